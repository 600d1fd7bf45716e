"""One runner is cut off from Postgres for longer than its lease, without a word, and comes back."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import ClassVar

from tests.chaos.fault import Decision, Fault
from tests.chaos.fleet import Runner
from tests.chaos.world import World

# After a lease: a poll of 1 s, and as much again on a busy machine.
RESCUED_S, LONGEST_S = 2.5, 5.0
BACK_S = 30.0  # a connection attempt of 5 s may have begun just before, and pauses double to 10 s
LOOK_S = 0.1
IS_BACK = """
    SELECT id FROM task_runners
    WHERE pid = %s AND lease_until > oppspot_now() AND wake = 'notify' AND state = 'running'
"""
# But for those of a transaction that was open: the server ends it after 60 s.
HELD = """
    SELECT count(*) AS n FROM (
        SELECT FROM agent_tasks t JOIN task_runners r ON r.id = t.runner_id
        WHERE r.pid = %s AND t.status = 'processing' FOR NO KEY UPDATE OF t SKIP LOCKED) free
"""


class Partition(Fault):
    """Work goes on with the others; what the lost one does meanwhile must count for nothing."""

    name = "partition"
    about = "each runner in a network of its own; one is unplugged for longer than its lease"
    networks = True
    lease_s = 2.0
    special: ClassVar[dict[str, int]] = {"lingers": 10}
    stop_s = 80.0  # a statement that is not answered is given up after 65 s

    def decide(self, chance: Random) -> Decision:
        cut_s = chance.uniform(self.lease_s + RESCUED_S, self.lease_s + LONGEST_S)
        return {"which": chance.randrange(100), "cut_s": round(cut_s, 2)}

    async def inject(self, world: World, which: int, cut_s: float) -> None:
        (runner,) = world.fleet.pick(which)
        await runner.way.cut_off()
        try:
            await asyncio.sleep(self.lease_s + RESCUED_S)
            (held,) = await world.rows(HELD, (runner.process.pid,))
            await asyncio.sleep(cut_s - self.lease_s - RESCUED_S)
        finally:
            await runner.way.reconnect()
        if held["n"]:
            text = f"{held['n']} tasks are runner {runner.number}'s, whose lease is over"
            world.tell("surprise", text=text)
        await self._wait_until_back(world, runner)

    async def _wait_until_back(self, world: World, runner: Runner) -> None:
        begun = time.monotonic()
        while time.monotonic() < begun + BACK_S:
            if await world.rows(IS_BACK, (runner.process.pid,)):
                world.tell("back", runner=runner.number, after_s=time.monotonic() - begun)
                return
            await asyncio.sleep(LOOK_S)
        world.tell("surprise", text=f"runner {runner.number} was not back after {BACK_S} s")
