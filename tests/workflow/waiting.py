"""Agents that wait, which child processes can find; and a run to wait in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from oppspot_runner.agents.context import Context
from oppspot_runner.base.errors import EventTimeoutError
from oppspot_runner.db.pool import Database
from tests.runner.conftest import Bench

CALLS: list[str] = []


async def asks(ctx: Context) -> dict[str, Any]:
    """Waits for `approval`, as its payload says, between two steps."""
    await ctx.step("before", CALLS.append, "before")
    try:
        payload = await ctx.wait_for_event("approval", ctx.payload.get("timeout"))
    except Exception as error:
        return {"late": isinstance(error, EventTimeoutError), "attempt": ctx.attempt}
    await ctx.step("after", CALLS.append, "after")
    return {"by": payload.get("by"), "attempt": ctx.attempt}


def asks_in_a_thread(ctx: Any) -> dict[str, Any]:
    try:
        payload = ctx.wait_for_event("approval", timedelta(hours=1))
    except Exception:
        return {"by": "nobody"}
    return {"by": payload.get("by"), "attempt": ctx.attempt}


async def sleeps(ctx: Context) -> dict[str, Any]:
    await ctx.step("before", CALLS.append, "before")
    await ctx.sleep_until(timedelta(seconds=ctx.payload["s"]))
    return {"attempt": ctx.attempt}


async def task_of_run(bench: Bench, agent: UUID, **columns: Any) -> UUID:
    """A task of a stream of its own; its run is opened when it begins."""
    return await bench.task(agent, stream_id=await stream_of(bench.db, agent), **columns)


async def stream_of(db: Database, agent: UUID) -> UUID:
    made: UUID = await value(
        db,
        "WITH made AS (INSERT INTO streams (name) VALUES ('s') RETURNING id)"
        " INSERT INTO stream_agent_assignments (stream_id, agent_id)"
        " SELECT id, %s FROM made RETURNING stream_id",
        agent,
    )
    return made


async def value(db: Database, query: Any, *values: Any) -> Any:
    row = await db.fetch_one(query, values)
    return None if row is None else next(iter(row.values()))


def waits(bench: Bench, task: UUID) -> Callable[[], Awaitable[bool]]:
    """Whether the task waits and holds no slot."""

    async def check() -> bool:
        found = await value(bench.db, "SELECT count(*) FROM waiting_tasks WHERE task_id = %s", task)
        return bool(found)

    return check
