"""A slow network. What one runner sends may come when its lease is over: too late to count."""

from __future__ import annotations

import asyncio
from random import Random

from tests.chaos.fault import Decision, Fault
from tests.chaos.world import World


class Delay(Fault):
    name = "delay"
    about = "20 to 500 ms are added to everything, or more than a lease to all of one process"

    def decide(self, chance: Random) -> Decision:
        slow = {"which": None, "delay_s": round(chance.uniform(0.02, 0.5), 3)}
        late = {
            "which": chance.randrange(100),
            "delay_s": round(self.lease_s + chance.uniform(0.5, 1.5), 2),
        }
        return {**chance.choice([slow, late]), "hold_s": round(chance.uniform(1, 4), 2)}

    async def inject(self, world: World, which: int | None, delay_s: float, hold_s: float) -> None:
        ways = world.ways(which)
        for way in ways:
            way.delay_s = delay_s
        await asyncio.sleep(hold_s)
        for way in ways:
            way.delay_s = 0.0
