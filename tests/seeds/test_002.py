"""What 002 promises of the queue and its runner: numbers, records, printed queries, control."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from oppspot_runner import start_task_runner, stop_task_runner
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.app.wiring import runner_config
from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.errors import Fail
from oppspot_runner.base.events import TaskFinished, everybody
from oppspot_runner.base.settings import Settings, load_settings
from oppspot_runner.runner.config import RunnerConfig
from tests.runner.conftest import FAST, Bench

# The three queries as they are printed, in our layout.
EXECUTIONS = """
SELECT ae.id, aa.name as agent_name, ae.status, ae.duration_ms, ae.metrics, ae.created_at
FROM agent_executions ae JOIN ai_agents aa ON ae.agent_id = aa.id
WHERE ae.org_id = 'your-org-id' ORDER BY ae.created_at DESC LIMIT 50;
"""
PENDING = """
SELECT at.id, aa.name as agent_name, at.task_type, at.priority, at.status, at.retry_count,
       at.created_at
FROM agent_tasks at JOIN ai_agents aa ON at.agent_id = aa.id
WHERE at.status = 'pending' ORDER BY at.priority DESC, at.created_at ASC;
"""
FAILED = """
SELECT at.*, aa.name as agent_name
FROM agent_tasks at JOIN ai_agents aa ON at.agent_id = aa.id
WHERE at.status = 'failed' ORDER BY at.created_at DESC;
"""
GOAL = '{"industry": ["SaaS"]}'


async def count(ctx: Any) -> dict[str, Any]:
    return {"found": 3, "score": 4.2, "name": "x", "fine": True}


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Settings of somebody who set nothing."""
    for name in [*os.environ]:
        if name.startswith("OPPSPOT_") or name in {"DATABASE_URL", "DEBUG"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return load_settings()


def test_a_runner_looks_for_work_every_5_seconds_unless_told_otherwise(untouched: Settings) -> None:
    assert untouched.poll_interval == 5
    assert runner_config(untouched).poll_s == RunnerConfig().poll_s == 5


def test_a_runner_runs_3_agents_at_once_unless_told_otherwise(untouched: Settings) -> None:
    assert untouched.concurrency == 3
    assert runner_config(untouched).slots == RunnerConfig().slots == 3


def test_the_wait_after_an_error_doubles_from_1_second_up_to_60() -> None:
    waits = [AgentOptions().backoff.delay_s(errors) for errors in range(8)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert AgentOptions().backoff == Backoff()


async def test_the_printed_query_lists_the_executions_of_an_organisation(bench: Bench) -> None:
    org = await made(bench, "INSERT INTO organizations (name) VALUES ('o') RETURNING id")
    agent, other = await bench.agent(count), await bench.agent_row("count")
    await bench.db.execute("UPDATE ai_agents SET org_id = %s WHERE id = %s", (org, agent))
    async with bench.running():
        await bench.ended(await bench.task(agent), await bench.task(other))
        await bench.ended(await bench.task(agent))
    rows = await bench.db.fetch_all(EXECUTIONS.replace("your-org-id", str(org)))  # type: ignore[arg-type]
    assert [row["agent_name"] for row in rows] == ["count", "count"]
    assert rows[0]["created_at"] > rows[1]["created_at"]
    assert {row["status"] for row in rows} == {"completed"}
    assert all(row["duration_ms"] >= 0 and row["metrics"]["run_ms"] >= 0 for row in rows)


async def test_the_printed_query_lists_what_waits_in_the_order_in_which_it_runs(
    bench: Bench,
) -> None:
    ran: list[int] = []

    async def note(ctx: Any) -> dict[str, Any]:
        ran.append(ctx.payload["n"])
        return {}

    agent = await bench.agent(note)
    for n, priority in enumerate([5, 10, 1, 5]):
        await bench.task(agent, priority=priority, payload=json.dumps({"n": n}))
    await bench.task(agent, status="completed")
    rows = await bench.db.fetch_all(PENDING)
    assert [row["priority"] for row in rows] == [10, 5, 5, 1]
    assert {(row["agent_name"], row["task_type"], row["retry_count"]) for row in rows} == {
        ("note", "agent_execution", 0)
    }
    async with bench.running(replace(FAST, slots=1)):
        await bench.ended(*[row["id"] for row in rows])
    assert ran == [1, 0, 3, 2]


async def test_the_printed_query_lists_the_failed_tasks_with_their_errors(bench: Bench) -> None:
    async def broken(ctx: Any) -> dict[str, Any]:
        raise Fail("no such company")

    agent = await bench.agent(broken)
    async with bench.running():
        first = await bench.task(agent)
        await bench.ended(first)
        second = await bench.task(agent)
        await bench.ended(second)
    rows = await bench.db.fetch_all(FAILED)
    assert [row["id"] for row in rows] == [second, first]
    assert {(row["agent_name"], row["error_message"]) for row in rows} == {
        ("broken", "no such company")
    }


async def test_an_execution_records_input_output_goal_summary_metrics_and_times(
    bench: Bench,
) -> None:
    stream = await made(
        bench, "INSERT INTO streams (name, goal_criteria) VALUES ('s', %s) RETURNING id", GOAL
    )
    agent = await bench.agent(count)
    async with bench.running():
        task = await bench.task(agent, stream_id=stream, payload='{"days": 7}')
        await bench.ended(task)
    (row,) = await bench.attempts(task)
    assert (row["agent_id"], row["stream_id"], row["status"]) == (agent, stream, "completed")
    assert row["input_data"] == {"days": 7}
    assert row["output_data"] == {"found": 3, "score": 4.2, "name": "x", "fine": True}
    assert row["results_summary"] == {"found": 3, "score": 4.2}
    assert row["goal_context"] == {"goal_criteria": {"industry": ["SaaS"]}, "target_metrics": {}}
    assert {"wait_ms", "run_ms", "steps"} <= set(row["metrics"])
    assert row["started_at"] <= row["completed_at"]
    assert row["error_message"] is None


async def test_an_error_is_recorded_and_used_up_retries_end_the_task(bench: Bench) -> None:
    async def broken(ctx: Any) -> dict[str, Any]:
        raise ValueError("no such company")

    agent = await bench.agent(broken)
    async with bench.running():
        task = await bench.task(agent, retry_count=2, max_retries=2)
        (row,) = await bench.ended(task)
    (attempt,) = await bench.attempts(task)
    assert (row["status"], attempt["status"]) == ("failed", "failed")
    assert "ValueError: no such company" in row["error_message"]
    assert row["error_message"] == attempt["error_message"]


async def test_the_first_attempt_takes_the_execution_that_was_promised(bench: Bench) -> None:
    agent, wanted, promised = await bench.agent(count), uuid4(), uuid4()
    await bench.db.execute(
        "INSERT INTO agent_executions (id, agent_id, task_id, attempt, status)"
        " VALUES (%s, %s, %s, 1, 'queued')",
        (promised, agent, wanted),
    )
    async with bench.running():
        task = await bench.task(agent, id=wanted, execution_id=promised)
        await bench.ended(task)
    rows = await bench.db.fetch_all("SELECT id, status, task_id FROM agent_executions")
    assert rows == [{"id": promised, "status": "completed", "task_id": wanted}]


async def test_an_agent_gets_its_configuration_and_the_config_of_this_execution(
    bench: Bench,
) -> None:
    seen: dict[str, Any] = {}

    async def look(ctx: Any) -> dict[str, Any]:
        seen.update(own=ctx.agent.configuration, once=ctx.execution_config)
        return {}

    agent = await bench.agent(look, configuration='{"threshold": 0.7}')
    async with bench.running():
        task = await bench.task(agent, payload='{"execution_config": {"limit": 5}}')
        await bench.ended(task)
    assert seen == {"own": {"threshold": 0.7}, "once": {"limit": 5}}


async def test_progress_can_be_read_while_the_agent_runs(bench: Bench) -> None:
    told, go_on = asyncio.Event(), asyncio.Event()

    async def slow(ctx: Any) -> dict[str, Any]:
        await ctx.progress(1, 2, "half of it")
        told.set()
        await go_on.wait()
        return {}

    agent = await bench.agent(slow)
    async with bench.running():
        task = await bench.task(agent)
        await asyncio.wait_for(told.wait(), 10)
        row = await bench.row(task)
        go_on.set()
        await bench.ended(task)
    assert row["status"] == "processing"
    assert {"done": 1, "total": 2, "message": "half of it"}.items() <= row["progress"].items()


async def test_a_web_application_starts_and_stops_a_runner_inside_itself(
    bench: Bench, dsn: str, untouched: Settings
) -> None:
    ended: asyncio.Queue[TaskFinished] = asyncio.Queue()
    subscriber = ended.put_nowait
    agent = await bench.agent_row("quick")
    settings = load_settings(database_url=dsn, import_=["tests.daemon.sample_agents"])
    everybody.subscribe(TaskFinished, subscriber)
    try:
        await start_task_runner(settings)
        task = await bench.task(agent)
        event = await asyncio.wait_for(ended.get(), 10)
    finally:
        everybody.unsubscribe(subscriber)
        await stop_task_runner()
    assert (event.task.id, event.status) == (task, "completed")
    assert await bench.db.fetch_all("SELECT 1 FROM task_runners WHERE lease_until > now()") == []


async def test_status_has_the_printed_shape(bench: Bench) -> None:
    agent = await bench.agent(count)
    await bench.task(agent, status="failed")
    async with bench.running(replace(FAST, poll_s=5)):
        await bench.ended(await bench.task(agent))
        said = await status(bench)
    assert said["success"] is True
    assert said["runner"] == {
        "status": "running", "polling_interval": 5000, "max_concurrent_tasks": 3,
    }  # fmt: skip
    assert said["stats"] == {
        "pending": 0, "processing": 0, "completed": 1, "failed": 1, "cancelled": 0, "total": 2,
    }  # fmt: skip
    assert {row["status"] for row in said["recent_tasks"]} == {"completed", "failed"}
    assert set(said["runners"][0]) >= {
        "id", "host", "pid", "state", "slots", "running", "heartbeat_age_s", "started_at", "wake",
    }  # fmt: skip


async def status(bench: Bench) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "oppspot_runner", "status", "--json"),
        env={**os.environ, "DATABASE_URL": bench.db.dsn},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return dict(json.loads(said))


async def made(bench: Bench, insert: str, *values: Any) -> UUID:
    row = await bench.db.fetch_one(insert, values)  # type: ignore[arg-type]
    assert row is not None
    return row["id"]
