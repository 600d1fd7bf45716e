"""Upgrades with tasks in flight: an earlier version made the schema, and works beside this one."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import ClassVar

from tests.chaos import earlier
from tests.chaos.fault import Decision, Fault
from tests.chaos.fleet import ROOT
from tests.chaos.world import World


class Upgrade(Fault):
    name = "upgrade"
    about = "runners of an earlier version and of this one replace each other, now and then by kill"
    special: ClassVar[dict[str, int]] = {"lingers": 5, "forked": 5}

    def missing(self) -> str | None:
        return earlier.missing()

    def program(self, folder: Path) -> Path:
        return earlier.program(folder / "earlier")

    def decide(self, chance: Random) -> Decision:
        return {
            "which": chance.randrange(100),
            "back": chance.choice([False, False, True]),
            "hard": chance.choice([False, False, True]),
        }

    async def inject(self, world: World, which: int, back: bool, hard: bool) -> None:
        """One ends, another starts, which migrates if it is the first of its version."""
        (leaving,) = world.fleet.pick(which)
        code = None if back else ROOT
        if hard:
            world.fleet.kill(leaving)
            await world.fleet.start(code)
        else:
            await world.fleet.start(code)
            world.fleet.stop(leaving)
