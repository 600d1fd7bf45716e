"""Connections that break on both sides, again and again for a moment."""

from __future__ import annotations

import asyncio
from random import Random

from tests.chaos.fault import Decision, Fault
from tests.chaos.world import World


class Cut(Fault):
    name = "cut"
    about = "connections of one process or of all are cut, up to five times in a row"

    def decide(self, chance: Random) -> Decision:
        return {
            "which": chance.choice([None, chance.randrange(100), chance.randrange(100)]),
            "shares": [round(chance.uniform(0.1, 1), 2) for _ in range(chance.randint(1, 5))],
        }

    async def inject(self, world: World, which: int | None, shares: list[float]) -> None:
        for share in shares:
            for way in world.ways(which):
                way.cut(share)
            await asyncio.sleep(0.2)
