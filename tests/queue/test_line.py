"""The order of the line does not hang on how the server chose to run a statement."""

from __future__ import annotations

import pytest

from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.outcome import Retry
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import store
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.settlement import settlement

LATEST_FIRST = """
    INSERT INTO agent_tasks (scheduled_for)
    SELECT oppspot_now() - make_interval(secs => n) FROM generate_series(1, %s) n
"""
RUNNING_ELSEWHERE = """
    UPDATE agent_tasks SET status = 'processing', runner_id = 9, run_token = -ready_seq,
        ready_seq = ready_seq * 7919 %% 1009, started_at = oppspot_now()
"""
many = pytest.mark.parametrize("rows", [2, 20, 100])


async def line(db: Database, column: str) -> list[object]:
    """A column of the tasks in the order of the line."""
    query = f"SELECT {column} AS it FROM agent_tasks ORDER BY ready_seq"
    return [row["it"] for row in await db.fetch_all(query)]  # type: ignore[arg-type]


@many
async def test_who_is_due_first_gets_in_line_first(db: Database, rows: int) -> None:
    await db.execute(LATEST_FIRST, (rows,))
    await db.execute("UPDATE agent_tasks SET parked = true")
    await db.execute("ANALYZE agent_tasks")
    async with db.transaction() as connection:
        assert (await store.promote(connection)).tasks == rows
    due = await line(db, "scheduled_for")
    assert due == sorted(due)  # type: ignore[type-var]


@many
async def test_who_is_due_at_the_same_time_keeps_the_order(db: Database, rows: int) -> None:
    await db.execute(LATEST_FIRST, (rows,))
    await db.execute("UPDATE agent_tasks SET parked = true, scheduled_for = '2020-01-01Z'")
    await db.execute("ANALYZE agent_tasks")
    before = await line(db, "id")
    async with db.transaction() as connection:
        await store.promote(connection)
    assert await line(db, "id") == before


@many
async def test_tasks_of_a_lost_runner_keep_their_order(db: Database, rows: int) -> None:
    await db.execute(LATEST_FIRST, (rows,))
    await db.execute(RUNNING_ELSEWHERE, ())
    await db.execute("ANALYZE agent_tasks")
    before = await line(db, "id")
    async with db.transaction() as connection:
        assert len((await store.rescue(connection, 1))[0]) == rows
    assert await line(db, "id") == before


@many
async def test_errors_written_together_come_back_in_one_order(db: Database, rows: int) -> None:
    await db.execute(LATEST_FIRST, (rows,))
    async with db.connection() as connection:
        tasks = (await Claimer(1).claim(connection, rows)).tasks
    await db.execute("ANALYZE agent_tasks")
    now = Retry("broken", after_s=0)
    ends = [settlement(task, now, backoff=Backoff(), max_retries=3) for task in tasks]
    async with db.transaction() as connection:
        await store.finish(connection, 1, ends)
    assert await line(db, "id") == sorted(task.id for task in tasks)
