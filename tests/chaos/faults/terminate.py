"""pg_terminate_backend of each kind of connection."""

from __future__ import annotations

import asyncio
from random import Random

from tests.chaos.fault import Decision, Fault
from tests.chaos.producer import NAME
from tests.chaos.world import ROLE, World

# What tells the connections apart: their application, and what they said last.
LISTENER = "query ~ 'SELECT pg_try_advisory_lock'"
HEARTBEAT = "query ~ 'lag_ms = |''running'', t.started_at'"
KINDS = {
    "listener": LISTENER,
    "heartbeat": HEARTBEAT,
    "pool": f"application_name <> '{NAME}' AND NOT {LISTENER} AND NOT {HEARTBEAT}",
    "producer": f"application_name = '{NAME}'",
    "all": "true",
}
END = """
    WITH those AS (SELECT pid FROM pg_stat_activity WHERE usename = '{role}' AND {kind})
    SELECT pg_terminate_backend(pid) FROM (
        SELECT pid FROM those ORDER BY pid LIMIT (SELECT ceil(count(*) * {share}) FROM those)) t
"""
TRIES = 100


class Terminate(Fault):
    name = "terminate"
    about = "pg_terminate_backend of listeners, heartbeats, pool connections, the producer, all"

    def decide(self, chance: Random) -> Decision:
        return {"kind": chance.choice(list(KINDS)), "share": round(chance.uniform(0.3, 1), 2)}

    async def inject(self, world: World, kind: str, share: float) -> None:
        query = END.format(role=ROLE, kind=KINDS[kind], share=share)
        for _ in range(TRIES):  # a connection may be between two lives
            if await world.rows(query):
                return
            await asyncio.sleep(0.05)
        world.tell("surprise", text=f"there was no connection of the kind {kind}")
