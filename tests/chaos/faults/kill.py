"""kill -9 of runners; a new one takes the place of each."""

from __future__ import annotations

import asyncio
from random import Random
from typing import ClassVar

from tests.chaos.fault import Decision, Fault
from tests.chaos.world import World


class Kill(Fault):
    name = "kill"
    about = "kill -9 of a runner, now and then of two at once"
    special: ClassVar[dict[str, int]] = {"forked": 5}  # its children must go with it

    def decide(self, chance: Random) -> Decision:
        return {"which": chance.randrange(100), "count": chance.choice([1, 1, 1, 2])}

    async def inject(self, world: World, which: int, count: int) -> None:
        killed = world.fleet.pick(which, count)
        for runner in killed:
            world.fleet.kill(runner)
        await asyncio.gather(*(world.fleet.start() for _ in killed))
