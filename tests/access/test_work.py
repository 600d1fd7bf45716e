"""What an organisation does with its own rows works under the role as it does without."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.db.pool import Database
from tests.access.conftest import Organisation


async def one(db: Database, text: str, *params: Any) -> Any:
    """The first column of the first row."""
    row = await db.fetch_one(text, params)  # type: ignore[arg-type]
    assert row is not None
    return next(iter(row.values()))


async def agent(db: Database, org: UUID | None, **more: Any) -> UUID:
    made: UUID = await one(
        db,
        "INSERT INTO ai_agents (org_id, name, agent_type, parent_id) VALUES (%s, 'a', 'llm', %s)"
        " RETURNING id",
        org,
        more.get("parent_id"),
    )
    return made


async def test_a_task_lives_and_is_counted(ours: Organisation, theirs: Organisation) -> None:
    for other in (theirs.id, None):
        foreign = await agent(ours.database, other)
        await ours.database.execute("SELECT enqueue_task(%s::uuid)", (foreign,))
    async with ours.acts() as db:
        mine = await agent(db, ours.id)
        task = await one(db, "SELECT enqueue_task(%s, unique_key => 'k')", mine)
        assert await one(db, "SELECT cancel_task(%s, 'no')", task)
        assert await one(db, "SELECT retry_task(%s)", task)
        await db.execute("UPDATE agent_tasks SET attempt = 1, scheduled_for = '2099-01-01Z'")
        await db.execute(
            "INSERT INTO agent_executions (agent_id, org_id, task_id, attempt, status)"
            " VALUES (%s, %s, %s, 1, 'failed')",
            (mine, ours.id, task),
        )
        assert await one(db, "SELECT retry_task(%s)", task)
        await db.execute("UPDATE agent_tasks SET status = 'failed' WHERE id = %s", (task,))
        assert await one(db, "SELECT id FROM dead_letter_tasks") == task
        again = await one(db, "SELECT replay_task(%s)", task)
        await db.execute("UPDATE agent_tasks SET status = 'completed' WHERE id = %s", (again,))
        counts = await db.fetch_one("SELECT * FROM task_runner_stats")
        assert counts is not None
        assert (counts["pending"], counts["failed"], counts["completed"]) == (0, 1, 1)
        assert await one(db, "SELECT count(*) FROM agent_performance") == 1
        await db.execute("DELETE FROM agent_tasks WHERE id = %s", (task,))
    whole = await ours.database.fetch_one("SELECT * FROM task_runner_stats")
    assert whole is not None
    assert (whole["pending"], whole["completed"], whole["failed"]) == (2, 1, 0)


async def test_runs_of_streams_and_graphs(ours: Organisation) -> None:
    lent = await agent(ours.database, None)
    async with ours.acts() as db:
        first = await agent(db, ours.id)
        await agent(db, ours.id, parent_id=first)
        stream = await one(db, "INSERT INTO streams (org_id) VALUES (%s) RETURNING id", ours.id)
        await db.execute(
            "INSERT INTO stream_agent_assignments (stream_id, agent_id, requires_approval)"
            " VALUES (%s, %s, true)",
            (stream, first),
        )
    await ours.database.execute(
        "INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)"
        " VALUES (%s, %s, %s)",
        (stream, lent, [first]),
    )
    async with ours.acts() as db:
        run = await one(db, "SELECT run_stream(%s)", stream)
        assert await one(db, "SELECT approve_run(%s)", run) == 1
        assert await one(db, "SELECT signal_run(%s, 'go', '{}')", run)
        task = await one(db, "SELECT id FROM agent_tasks WHERE run_id = %s", run)
        await db.execute("UPDATE agent_tasks SET status = 'completed' WHERE id = %s", (task,))
        assert await one(db, "SELECT count(*) FROM agent_tasks WHERE agent_id = %s", lent) == 1
        assert await db.fetch_all("SELECT * FROM follow_runs(%s)", ([run],))
        await db.execute("SELECT * FROM cancel_run(%s, 'enough')", (run,))
        assert await one(db, "SELECT status FROM stream_runs WHERE id = %s", run) == "cancelled"
        again = await one(db, "SELECT rerun_run(%s)", run)
        assert await one(db, "SELECT count(*) FROM stream_run_nodes WHERE run_id = %s", again) == 2
        graph = await one(db, "SELECT run_graph(%s::uuid)", first)
        assert await one(db, "SELECT open_nodes FROM stream_runs WHERE id = %s", graph) == 2
        assert await one(db, "SELECT count(*) FROM run_events WHERE run_id = %s", run) > 0


async def test_what_it_may_not_see_is_not_there(ours: Organisation, theirs: Organisation) -> None:
    foreign = await agent(ours.database, theirs.id)
    task = await one(ours.database, "SELECT enqueue_task(%s::uuid)", foreign)
    async with ours.acts() as db:
        client = AsyncClient(db.bound)
        for nothing in (task, uuid4()):
            with pytest.raises(NotFoundError, match="there is no task"):
                await client.get(nothing)
            with pytest.raises(NotFoundError, match="there is no task"):
                await client.cancel(nothing)
