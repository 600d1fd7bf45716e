"""A runner in the test's own loop, agents made on the spot, and waits for what should happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.agents.registry import Registry
from oppspot_runner.app.wiring import build_runner
from oppspot_runner.base.events import Event, EventBus
from oppspot_runner.db.pool import Database
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.runner.loop import Runner

FAST = RunnerConfig(poll_s=0.5, lease_s=6, grace_s=0.5)
# Ends the connection on which a runner of this database hears what others tell.
KILL_LISTENER = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND (query ILIKE 'listen%' OR query ILIKE '%pg_try_advisory_lock%')"
)


@pytest.fixture
def registry() -> Registry:
    return Registry()


class Bench:
    """What a test needs of a running system: rows in, rows out, runners, and events to wait for."""

    def __init__(self, db: Database, registry: Registry) -> None:
        self.db = db
        self.direct_dsn: str | None = None
        self.registry = registry
        self.events: list[Event] = []
        self.changed = asyncio.Condition()

    async def agent(
        self, body: Callable[..., Any], *, configuration: str = "{}", **options: Any
    ) -> UUID:
        """Registers a function and makes an agent row of that type."""
        self.registry.register(body, **options)
        return await self.agent_row(body.__name__, configuration=configuration)

    async def agent_row(self, agent_type: str, *, configuration: str = "{}") -> UUID:
        row = await self.db.fetch_one(
            "INSERT INTO ai_agents (name, agent_type, configuration)"
            " VALUES (%s, %s, %s::jsonb) RETURNING id",
            (agent_type, agent_type, configuration),
        )
        assert row is not None
        return row["id"]

    async def task(self, agent_id: UUID | None, **columns: Any) -> UUID:
        """A plain INSERT with the given columns."""
        names = ["agent_id", *columns]
        marks = ", ".join(["%s"] * len(names))
        row = await self.db.fetch_one(
            f"INSERT INTO agent_tasks ({', '.join(names)}) VALUES ({marks}) RETURNING id",  # type: ignore[arg-type]
            (agent_id, *columns.values()),
        )
        assert row is not None
        return row["id"]

    async def row(self, task_id: UUID) -> dict[str, Any]:
        row = await self.db.fetch_one("SELECT * FROM agent_tasks WHERE id = %s", (task_id,))
        assert row is not None
        return row

    async def attempts(self, task_id: UUID) -> list[dict[str, Any]]:
        return await self.db.fetch_all(
            "SELECT * FROM agent_executions WHERE task_id = %s ORDER BY attempt", (task_id,)
        )

    async def until(self, check: Callable[[], Awaitable[bool]], *, within_s: float = 15) -> None:
        """Waits until `check` holds; looks again after every event, at least ten times a second."""
        async with asyncio.timeout(within_s):
            while not await check():
                async with self.changed:
                    try:
                        await asyncio.wait_for(self.changed.wait(), 0.1)
                    except TimeoutError:
                        continue

    async def ended(self, *task_ids: UUID, within_s: float = 15) -> list[dict[str, Any]]:
        """Waits until the tasks ended; their rows."""

        async def all_ended() -> bool:
            row = await self.db.fetch_one(
                "SELECT count(*) AS n FROM agent_tasks WHERE id = ANY (%s)"
                " AND status IN ('completed', 'failed', 'cancelled')",
                (list(task_ids),),
            )
            return row is not None and row["n"] == len(task_ids)

        await self.until(all_ended, within_s=within_s)
        return [await self.row(one) for one in task_ids]

    def happened(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def note(self, event: Event) -> None:
        self.events.append(event)
        asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    @asynccontextmanager
    async def running(self, config: RunnerConfig = FAST) -> AsyncIterator[Runner]:
        """A runner that is stopped at the end, at once if need be."""
        bus = EventBus()
        bus.subscribe(Event, self.note)
        async with Database(
            self.db.dsn, schema=self.db.schema, max_size=10, direct_dsn=self.direct_dsn
        ) as database:
            runner = build_runner(database, config, registry=self.registry, events=bus)
            async with asyncio.TaskGroup() as group:
                group.create_task(runner.run())
                try:
                    yield runner
                finally:
                    runner.stop()
                    runner.stop()


@pytest.fixture
async def bench(db: Database, registry: Registry) -> Bench:
    return Bench(db, registry)
