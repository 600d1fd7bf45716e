"""Postgres stopped without a checkpoint and started again, while tasks come and go."""

from __future__ import annotations

import asyncio
from random import Random

from tests.chaos.fault import Decision, Fault
from tests.chaos.world import World


class Restart(Fault):
    name = "restart"
    about = "Postgres stopped in mode immediate and restarted, on disk with fsync"
    durable = True

    def decide(self, chance: Random) -> Decision:
        return {"down_s": round(chance.uniform(0, 1.5), 2)}

    async def inject(self, world: World, down_s: float) -> None:
        await asyncio.to_thread(world.server.stop, "immediate")
        await asyncio.sleep(down_s)
        await asyncio.to_thread(world.server.start)
