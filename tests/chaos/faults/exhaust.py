"""No connections left: the server admits fewer than the runners want, and ends those they have."""

from __future__ import annotations

import asyncio
from random import Random

from tests.chaos.fault import Decision, Fault
from tests.chaos.world import ROLE, World


class Exhaust(Fault):
    name = "exhaust"
    about = "fewer connections admitted than the runners want, for longer or shorter"

    def decide(self, chance: Random) -> Decision:
        # A pool gives up waiting after 10 s; shorter shortages are only slow.
        hold_s = chance.choice([chance.uniform(1, 4), chance.uniform(1, 4), 11.0])
        return {"admitted": chance.randint(0, 12), "hold_s": round(hold_s, 2)}

    async def inject(self, world: World, admitted: int, hold_s: float) -> None:
        await world.rows(f"ALTER ROLE {ROLE} CONNECTION LIMIT {admitted}")
        await world.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (ROLE,)
        )
        await asyncio.sleep(hold_s)
        await world.rows(f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")
