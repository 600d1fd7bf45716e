"""A runner inside an application: starts, works, stops, and leaves signals alone."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from oppspot_runner import TaskFinished, on, start_task_runner, stop_task_runner
from oppspot_runner.agents.registry import registry
from oppspot_runner.base.errors import ConfigurationError, ConflictError, SchemaError
from oppspot_runner.base.events import everybody
from oppspot_runner.base.settings import load_settings
from oppspot_runner.db.pool import Database


async def inside_noop(ctx: Any) -> dict[str, Any]:
    return {}


async def test_it_runs_tasks_of_the_application_and_stops(db: Database) -> None:
    registry.register(inside_noop)
    before = signal.getsignal(signal.SIGTERM)
    done = asyncio.Event()

    @on(TaskFinished)
    def note(event: TaskFinished) -> None:
        done.set()

    try:
        await start_task_runner(load_settings(database_url=db.dsn))
        with pytest.raises(ConflictError):
            await start_task_runner(load_settings(database_url=db.dsn))
        await db.execute(
            "WITH a AS (INSERT INTO ai_agents (name, agent_type)"
            " VALUES ('a', 'inside_noop') RETURNING id)"
            " INSERT INTO agent_tasks (agent_id) SELECT id FROM a"
        )
        await asyncio.wait_for(done.wait(), 10)
        assert signal.getsignal(signal.SIGTERM) == before
    finally:
        everybody.unsubscribe(note)
        await stop_task_runner()
    await stop_task_runner()
    assert await db.fetch_all("SELECT id FROM task_runners") == []


async def test_it_wants_a_database_and_a_schema(empty_dsn: str) -> None:
    with pytest.raises(SchemaError, match="lacks"):
        await start_task_runner(load_settings(database_url=empty_dsn))
    with pytest.raises(ConfigurationError):
        await start_task_runner(load_settings(database_url=""))
    await stop_task_runner()
