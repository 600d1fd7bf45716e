"""Where a trial takes place: a database of its own, runners, a producer, a ledger, proxies."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.chaos import scripts
from tests.chaos.fleet import Fleet
from tests.chaos.ledger import VARIABLE, write
from tests.chaos.network import Cable, Switch
from tests.chaos.proxy import Proxy
from tests.chaos.server import SUPERUSER, Postgres

ROLE = "chaos"  # of runners and producer: no superuser, so that its connections can be limited
NO_BREAKER = '{"breaker": false}'  # scripts err on purpose, and must come to their end
AWAY_S = 60.0  # how long the harness itself waits for a server


class World:
    """What faults can reach. Runners and producer have a proxy each; `rows` asks past them.

    With `networks` each runner is in a network namespace of its own, and its proxy outside of it.
    """

    def __init__(
        self,
        server: Postgres,
        database: str,
        folder: Path,
        *,
        code: Path,
        settings: dict[str, str],
        networks: bool = False,
    ) -> None:
        self.server = server
        self.database = database
        self.folder = folder
        self.ledger = folder / "ledger"
        self.ledger.mkdir()
        self.producers_way: Proxy
        self.agents: dict[str, Any] = {}
        self.streams: list[Any] = []
        own = {**settings, VARIABLE: str(self.ledger)}
        self.fleet = Fleet(folder, self.ledger, code, own, self._runners_way)
        self._networks = networks
        self._switch: Switch | None = None
        self._cables = count(1)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> World:
        await self._build()
        if self._networks:
            self._switch = self._open.enter_context(Switch())
        self.producers_way = await self.way()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.fleet.sweep()
        await self._open.aclose()

    async def way(self) -> Proxy:
        """A new way to the database, with a proxy on it."""
        return await self._open.enter_async_context(Proxy(self.server.dsn(self.database, ROLE)))

    async def _runners_way(self) -> Proxy:
        if self._switch is None:
            return await self.way()
        dsn, number = self.server.dsn(self.database, ROLE), next(self._cables)
        return await self._open.enter_async_context(Cable(dsn, self._switch, number))

    def ways(self, which: int | None) -> list[Proxy]:
        """All ways to the database that are in use, or one of them by a number drawn before."""
        found = [self.producers_way, *(runner.way for runner in self.fleet.living())]
        return found if which is None else [found[which % len(found)]]

    def tell(self, what: str, **facts: Any) -> None:
        write(self.ledger, what, **facts)

    async def rows(self, query: str, params: Any = None) -> list[dict[str, Any]]:
        """All rows of one statement; a server that is away is waited for."""
        async with asyncio.timeout(AWAY_S):
            while True:
                try:
                    async with await self.connect() as connection:
                        cursor = await connection.execute(query, params)
                        return await cursor.fetchall() if cursor.description else []
                except psycopg.OperationalError:
                    await asyncio.sleep(0.1)

    async def connect(self) -> psycopg.AsyncConnection[dict[str, Any]]:
        return await psycopg.AsyncConnection.connect(
            self.server.dsn(self.database, SUPERUSER), autocommit=True, row_factory=dict_row
        )

    async def open_tasks(self) -> int:
        """How many tasks have not ended."""
        found = await self.rows(
            "SELECT count(*) AS n FROM agent_tasks WHERE status IN ('pending', 'processing')"
        )
        return int(found[0]["n"])

    async def _build(self) -> None:
        """The database with our schema, the agents, the streams of diamonds, the effects table."""
        with psycopg.connect(self.server.dsn("postgres", SUPERUSER), autocommit=True) as connection:
            name = sql.Identifier(self.database)
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,)).rowcount:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(ROLE))
            )
        await self.fleet.migrate(self.server.dsn(self.database, ROLE))
        await self.rows("CREATE TABLE effects (task_id uuid, token bigint)")
        await self.rows(f"GRANT ALL ON effects TO {ROLE}")
        for kind in [*scripts.KINDS, *scripts.SPECIAL]:
            self.agents[kind] = await self._agent(kind, kind)
        for node in scripts.DIAMOND:
            self.agents[node] = await self._agent(node, "diamond")
        self.streams = [await self._stream(n) for n in range(scripts.STREAMS)]

    async def _agent(self, name: str, agent_type: str) -> Any:
        made = await self.rows(
            "INSERT INTO ai_agents (name, agent_type, configuration)"
            " VALUES (%s, %s, %s) RETURNING id",
            (name, agent_type, NO_BREAKER),
        )
        return made[0]["id"]

    async def _stream(self, number: int) -> Any:
        made = await self.rows(
            "INSERT INTO streams (name) VALUES (%s) RETURNING id", (f"stream {number}",)
        )
        for name, needs in scripts.DIAMOND.items():
            await self.rows(
                "INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)"
                " VALUES (%s, %s, %s)",
                (made[0]["id"], self.agents[name], [self.agents[need] for need in needs]),
            )
        return made[0]["id"]
