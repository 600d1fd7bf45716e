"""SIGSTOP, then SIGCONT: whoever was away for longer than his lease must write nothing."""

from __future__ import annotations

import asyncio
import signal
from random import Random

from tests.chaos.fault import Decision, Fault
from tests.chaos.world import World


class Freeze(Fault):
    name = "freeze"
    about = "SIGSTOP and SIGCONT of a runner, mostly for longer than its lease"

    def decide(self, chance: Random) -> Decision:
        away_s = chance.choice(
            [chance.uniform(0.2, 2), *[self.lease_s + chance.uniform(0.3, 2)] * 3]
        )
        return {"which": chance.randrange(100), "away_s": round(away_s, 2)}

    async def inject(self, world: World, which: int, away_s: float) -> None:
        (runner,) = world.fleet.pick(which)
        runner.send(signal.SIGSTOP)
        await asyncio.sleep(away_s)
        runner.send(signal.SIGCONT)
