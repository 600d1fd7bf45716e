"""kill -9 of child processes that agents run in, and now and then of the one that bears them."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from random import Random
from typing import ClassVar

from oppspot_runner.backends.nursery import descendants
from tests.chaos.fault import Decision, Fault
from tests.chaos.fleet import SLOTS
from tests.chaos.world import World

TRIES = 100


class Child(Fault):
    name = "child"
    about = "kill -9 of a child process with isolation='process', or of all of a runner at once"
    special: ClassVar[dict[str, int]] = {"forked": 40}

    def decide(self, chance: Random) -> Decision:
        return {"which": chance.randrange(100), "all_at_once": chance.choice([True, *[False] * 4])}

    async def inject(self, world: World, which: int, all_at_once: bool) -> None:
        (runner,) = world.fleet.pick(which)
        for _ in range(TRIES):  # until it has children
            nursery, *children = descendants(runner.process.pid) or [0]
            if children:
                break
            await asyncio.sleep(0.05)
        else:
            world.tell("surprise", text=f"runner {runner.number} has no child processes")
            return
        victim = nursery if all_at_once else children[which % len(children)]
        # What is born while we look goes, too.
        world.tell("children killed", number=SLOTS if all_at_once else 1)
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
