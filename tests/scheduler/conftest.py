"""Schedules, and runners' looks at them, by a clock that only the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.base.due_times import DueTimes
from oppspot_runner.db.pool import Database
from oppspot_runner.scheduler import ticking
from oppspot_runner.scheduler.ticking import Ticked

START = "2025-06-02T00:00:30Z"  # a Monday


class World:
    """A database and its clock. The pool has one session, so all of it sees the same time."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now = datetime.fromisoformat(START)

    async def at(self, moment: str | datetime) -> None:
        """Sets the clock."""
        self.now = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        await self.db.execute("SELECT set_config('oppspot.now', %s, false)", (str(self.now),))

    async def tick(self, moment: str | datetime | None = None) -> Ticked:
        """A look of a runner, at a time."""
        if moment is not None:
            await self.at(moment)
        async with self.db.transaction() as connection:
            return await ticking.tick(connection)

    async def one(self, query: Any, *params: Any) -> Any:
        """The only column of the first row."""
        row = await self.db.fetch_one(query, params)
        return None if row is None else next(iter(row.values()))

    async def agent(self, cron: str | None, zone: str = "UTC", **options: Any) -> UUID:
        """An agent with a schedule, as SQL writes it."""
        from psycopg.types.json import Jsonb

        configuration = Jsonb({"schedule": options} if options else {})
        return await self.one(
            "INSERT INTO ai_agents (agent_type, name, schedule_cron, schedule_timezone,"
            " configuration) VALUES ('noop', 'noop', %s, %s, %s) RETURNING id",
            cron,
            zone,
            configuration,
        )

    async def schedule(self) -> dict[str, Any]:
        """The only schedule."""
        (row,) = await self.db.fetch_all("SELECT * FROM schedules")
        return row

    async def fired(self) -> list[str]:
        """The due times of tasks, in the order in which they were started."""
        rows = await self.db.fetch_all("SELECT scheduled_for FROM agent_tasks ORDER BY ready_seq")
        return [f"{row['scheduled_for']:%Y-%m-%dT%H:%M:%SZ}" for row in rows]

    async def end(self, status: str = "completed") -> None:
        """Ends all tasks that wait or run."""
        await self.db.execute(
            "UPDATE agent_tasks SET status = %s WHERE status IN ('pending', 'processing')",
            (status,),
        )


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    """An empty database whose clock stands at START."""
    async with Database(dsn, max_size=1) as database:
        made = World(database)
        await made.at(START)
        yield made


def due_times(expression: str, zone: str, start: str, count: int) -> list[str]:
    """The next due times after `start`, written in UTC."""
    times, due = DueTimes(expression, zone), datetime.fromisoformat(start)
    found = []
    for _ in range(count):
        due = times.next(due)
        found.append(f"{due:%Y-%m-%dT%H:%M:%SZ}")
    return found
