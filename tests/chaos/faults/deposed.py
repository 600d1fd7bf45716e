"""A runner at work is taken for dead: what it had is put back while it goes on with it."""

from __future__ import annotations

from random import Random

from oppspot_runner.queue import store
from tests.chaos.fault import Decision, Fault
from tests.chaos.world import World

LAPSE = "UPDATE task_runners SET lease_until = oppspot_now() WHERE pid = ANY (%s)"
NOBODY = 0  # the id of the runner that rescues


class Deposed(Fault):
    name = "deposed"
    about = "one runner or all of them are taken for dead while they work, and do not know it yet"

    def decide(self, chance: Random) -> Decision:
        return {"which": chance.randrange(100), "count": chance.choice([1, 1, 3])}

    async def inject(self, world: World, which: int, count: int) -> None:
        pids = [runner.process.pid for runner in world.fleet.pick(which, count)]
        async with await world.connect() as connection, connection.transaction():
            await connection.execute(LAPSE, (pids,))
            await store.rescue(connection, NOBODY)
