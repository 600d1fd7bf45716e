"""Inserts tasks, and knows of each whether it is in the table, whatever happens to the connection.

When the connection dies in COMMIT nobody has said whether the tasks are there. Then the session is
ended first, so that nothing of it can still be on its way; after that, looking by `unique_key`
decides: all of them are there, or none, and then they are sent again.
"""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import psycopg

from tests.chaos.scripts import Script
from tests.chaos.world import World

NAME = "chaos-producer"
MOST_AT_ONCE = 25
PAUSE_S = 0.02  # at most, between two batches
ANSWER_S = 5.0  # a connection that says nothing for so long is given up
INSERT = """
    INSERT INTO agent_tasks (agent_id, stream_id, priority, payload, max_retries, unique_key)
    SELECT * FROM unnest(
        %s::uuid[], %s::uuid[], %s::integer[], %s::jsonb[], %s::integer[], %s::text[])
"""
END_SESSION = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE pid = %s AND application_name = %s
"""
Gone = (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError)


class Producer:
    """Sends scripts on its own way to the database, and looks for them on one that always works."""

    def __init__(self, world: World, chance: Random) -> None:
        self.world = world
        self.chance = chance
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._session = 0  # the server's process, still known when the connection is not

    async def send(self, scripts: list[Script]) -> None:
        """Inserts all of them, in transactions of a few, with short pauses."""
        left = list(scripts)
        while left:
            size = self.chance.randint(1, MOST_AT_ONCE)
            batch, left = left[:size], left[size:]
            while not await self._sent(batch):
                await asyncio.sleep(0.1)
            self.world.tell("committed", scripts=[script.told() for script in batch])
            await asyncio.sleep(self.chance.uniform(0, PAUSE_S))

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _sent(self, batch: list[Script]) -> bool:
        """Whether the batch is in the table now."""
        try:
            async with asyncio.timeout(ANSWER_S):
                connection = await self._open()
                rows = [self._row(script) for script in batch]
                await connection.execute(
                    INSERT, [list(column) for column in zip(*rows, strict=True)]
                )
            return True
        except Gone:
            return await self._is_there(batch)

    async def _is_there(self, batch: list[Script]) -> bool:
        if self._connection is not None:
            self._connection.pgconn.finish()  # without a word: it may be half-open
            self._connection = None
            await self.world.rows(END_SESSION, (self._session, NAME))
        found = await self.world.rows(
            "SELECT count(DISTINCT unique_key) AS n FROM agent_tasks WHERE unique_key = ANY (%s)",
            ([script.key for script in batch],),
        )
        self.world.tell("doubted", keys=[script.key for script in batch], found=found[0]["n"])
        if found[0]["n"] not in (0, len(batch)):
            self.world.tell(
                "surprise", text=f"{found[0]['n']} of {len(batch)} tasks of a transaction"
            )
        return bool(found[0]["n"])

    async def _open(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                self.world.producers_way.dsn, application_name=NAME, autocommit=True
            )
            self._session = self._connection.info.backend_pid
        return self._connection

    def _row(self, script: Script) -> tuple[Any, ...]:
        kind = "top" if script.kind == "diamond" else script.kind
        stream = None if script.stream is None else self.world.streams[script.stream]
        payload = json.dumps(script.payload)
        agent = self.world.agents[kind]
        return agent, stream, script.priority, payload, script.max_retries, script.key
