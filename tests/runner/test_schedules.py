"""Runners fire schedules at their times, and notice at once what people write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oppspot_runner.agents.context import Context
from oppspot_runner.base.events import ScheduleStopped
from tests.runner.conftest import FAST, Bench

SELDOM = replace(FAST, poll_s=600)


async def noop(ctx: Context) -> dict[str, int]:
    return {}


@pytest.mark.slow
async def test_a_schedule_fires_at_its_time_and_not_at_the_next_poll(bench: Bench) -> None:
    agent = await bench.agent(noop)
    async with bench.running(SELDOM):
        await bench.until(lambda: is_waiting(bench))
        await bench.db.execute(
            "UPDATE ai_agents SET schedule_cron = '* * * * * *' WHERE id = %s", (agent,)
        )
        await bench.until(lambda: completed(bench, 2))
    ticks = await bench.db.fetch_all(
        "SELECT t.scheduled_for, k.due_at"
        " FROM schedule_ticks k JOIN agent_tasks t ON t.id = k.task_id"
    )
    assert all(row["scheduled_for"] == row["due_at"] for row in ticks)
    assert len({row["due_at"] for row in ticks}) == len(ticks)


async def test_a_stream_that_gains_something_starts_its_agent(bench: Bench) -> None:
    agent = await bench.agent(noop)
    stream = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('Leads') RETURNING id")
    assert stream is not None
    await bench.db.execute(
        "INSERT INTO stream_agent_assignments (stream_id, agent_id, execution_frequency)"
        " VALUES (%s, %s, 'realtime')",
        (stream["id"], agent),
    )
    async with bench.running(SELDOM):
        await bench.until(lambda: is_waiting(bench))
        await bench.db.execute(
            "INSERT INTO stream_insights (stream_id, kind, title) VALUES (%s, 'signal', 'x')",
            (stream["id"],),
        )
        await bench.until(lambda: completed(bench, 1))
    runs = await bench.db.fetch_all("SELECT stream_id, status FROM stream_runs")
    assert [(row["stream_id"], row["status"]) for row in runs] == [(stream["id"], "completed")]


async def test_a_schedule_that_means_nothing_is_told_and_harms_nobody(bench: Bench) -> None:
    agent = await bench.agent(noop)
    await bench.db.execute("UPDATE ai_agents SET schedule_cron = 'often' WHERE id = %s", (agent,))
    async with bench.running(SELDOM):
        await bench.until(lambda: stopped(bench))
        (row,) = await bench.ended(await bench.task(agent))
    assert row["status"] == "completed"
    (event,) = bench.happened(ScheduleStopped)
    assert "has 1 field," in event.error


@pytest.mark.slow
async def test_a_schedule_that_somebody_holds_keeps_nobody_busy(bench: Bench) -> None:
    agent = await bench.agent(noop)
    other = await bench.agent_row("noop")
    await bench.db.execute("UPDATE ai_agents SET schedule_cron = '* * * * * *'")
    async with bench.db.transaction() as connection:
        await connection.execute(
            "UPDATE ai_agents SET schedule_cron = '@yearly' WHERE id = %s", (other,)
        )
        async with bench.running(SELDOM):
            await bench.until(lambda: completed(bench, 2))
    assert await count(bench, "SELECT count(*) AS n FROM agent_tasks WHERE agent_id = %s", agent)


async def is_waiting(bench: Bench) -> bool:
    """Whether the runner sleeps until it is woken."""
    return await count(bench, "SELECT count(*) AS n FROM task_runners WHERE waiting") == 1


async def completed(bench: Bench, least: int) -> bool:
    query = "SELECT count(*) AS n FROM agent_tasks WHERE status = 'completed'"
    return await count(bench, query) >= least


async def stopped(bench: Bench) -> bool:
    return bool(bench.happened(ScheduleStopped))


async def count(bench: Bench, query: str, *params: object) -> int:
    row = await bench.db.fetch_one(query, params)  # type: ignore[arg-type]
    assert row is not None
    return row["n"]
