"""Connections whose other end is gone without a word: nothing is refused, and nothing answered."""

from __future__ import annotations

import asyncio
from random import Random

from tests.chaos.fault import Decision, Fault
from tests.chaos.world import World


class HalfOpen(Fault):
    name = "half_open"
    about = "connections of one process or of all stay open and never answer again"
    stop_s = 80.0  # a statement that is not answered is given up after 65 s

    def decide(self, chance: Random) -> Decision:
        return {
            "which": chance.choice([None, chance.randrange(100), chance.randrange(100)]),
            "share": round(chance.uniform(0.1, 1), 2),
            "wait_s": round(chance.uniform(0, 3), 2),
        }

    async def inject(self, world: World, which: int | None, share: float, wait_s: float) -> None:
        for way in world.ways(which):
            way.half_open(share)
        await asyncio.sleep(wait_s)
