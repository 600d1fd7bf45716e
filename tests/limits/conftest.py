"""Claims on a queue of the test's own, at times that the test sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.limits.task_limits import Limit, Scope, set_limit
from oppspot_runner.queue.claiming import Claimed, Claimer
from tests.limits.ledger import Ledger

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Line:
    """Tasks in line and somebody who claims; time stands still unless it is moved."""

    def __init__(self, db: Database, connection: Connection) -> None:
        self.db = db
        self.connection = connection
        self.claimer = Claimer(1)
        self.now = NOON
        self.names: dict[UUID, str] = {}

    async def at(self, seconds: float) -> None:
        """Sets the clock to that many seconds after noon."""
        self.now = NOON + timedelta(seconds=seconds)
        await self.connection.execute(
            "SELECT set_config('oppspot.now', %s, false)", (self.now.isoformat(),)
        )

    async def one(self, query: Any, *values: Any) -> Any:
        row = await (await self.connection.execute(query, values)).fetchone()
        return next(iter(row.values())) if row else None

    async def organisation(self) -> UUID:
        made: UUID = await self.one("INSERT INTO organizations DEFAULT VALUES RETURNING id")
        return made

    async def agent(self, name: str, agent_type: str = "noop", configuration: str = "{}") -> UUID:
        made: UUID = await self.one(
            "INSERT INTO ai_agents (name, agent_type, configuration) VALUES (%s, %s, %s)"
            " RETURNING id",
            name,
            agent_type,
            configuration,
        )
        self.names[made] = name
        return made

    async def tasks(self, agent: UUID, count: int, **columns: Any) -> None:
        names = ["agent_id", *columns]
        marks = ", ".join(["%s"] * len(names))
        await self.connection.execute(
            f"INSERT INTO agent_tasks ({', '.join(names)})"  # type: ignore[arg-type]
            f" SELECT {marks} FROM generate_series(1, %s)",
            (agent, *columns.values(), count),
        )

    async def limit(self, scope: Scope, key: Any, **limit: Any) -> None:
        await set_limit(self.db, scope, str(key), Limit(**limit))

    async def claim(self, limit: int = 10) -> Claimed:
        return await self.claimer.claim(self.connection, limit)

    async def claimed(self, limit: int = 10) -> dict[str, int]:
        """How many tasks of each agent a claim brings."""
        found = (await self.claim(limit)).tasks
        return dict(Counter(self.names[task.agent.id] for task in found if task.agent))

    async def end(self, count: int = 1, where: str = "true") -> None:
        """Ends running tasks, the oldest first."""
        await self.connection.execute(
            "UPDATE agent_tasks SET status = 'completed', run_token = NULL, runner_id = NULL"
            " WHERE id IN (SELECT id FROM agent_tasks WHERE status = 'processing'"
            f" AND {where} ORDER BY ready_seq LIMIT %s)",  # type: ignore[arg-type]
            (count,),
        )


@pytest.fixture
async def line(db: Database) -> AsyncIterator[Line]:
    async with db.connection() as connection:
        made = Line(db, connection)
        await made.at(0)
        yield made
        await connection.execute("RESET oppspot.now")


@pytest.fixture
async def ledger(db: Database) -> AsyncIterator[Ledger]:
    async with db.connection() as connection:
        made = Ledger(db, connection)
        await made.at(NOON)
        yield made
        await connection.execute("RESET oppspot.now")
