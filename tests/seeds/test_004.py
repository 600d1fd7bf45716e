"""What 004 promises of workers: limits, retries, life of a task, logs, settings, the command."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tomllib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from oppspot_runner import Client
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.base.errors import DatabaseError, InvalidInputError, Retry
from oppspot_runner.base.settings import load_settings
from oppspot_runner.db.pool import Database
from tests.runner.conftest import FAST, Bench
from tests.seeds.conftest import Lines
from tests.seeds.table import ROOT

ASK_FOR_TLS = bytes([0, 0, 0, 8, 4, 210, 22, 47])


async def quick(ctx: Any) -> dict[str, Any]:
    return {"deadline": ctx.deadline, "started": ctx.task.started_at}


async def test_an_agent_may_run_30_minutes_unless_told_otherwise(bench: Bench) -> None:
    assert AgentOptions().time_limit == timedelta(minutes=30)
    agent = await bench.agent(quick)
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    output = (await bench.attempts(task))[0]["output_data"]
    times = {key: datetime.fromisoformat(value) for key, value in output.items()}
    assert times["deadline"] - times["started"] == timedelta(minutes=30)


async def test_a_runner_takes_no_more_than_it_can_start(bench: Bench) -> None:
    """What Celery calls a prefetch of one: what waits is there for every other runner."""
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow(ctx: Any) -> dict[str, Any]:
        started.set()
        await go_on.wait()
        return {}

    agent = await bench.agent(slow)
    tasks = [await bench.task(agent) for _ in range(3)]
    async with bench.running(replace(FAST, slots=1)):
        await asyncio.wait_for(started.wait(), 10)
        found = [(await bench.row(task))["status"] for task in tasks]
        go_on.set()
        await bench.ended(*tasks)
    assert sorted(found) == ["pending", "pending", "processing"]


def test_an_agent_may_wait_a_minute_and_longer_between_its_retries() -> None:
    options = AgentOptions().overridden({"backoff": {"first": 60, "factor": 2, "most": 3600}})
    assert [options.backoff.delay_s(errors) for errors in range(3)] == [60, 120, 240]


def test_an_agent_has_3_retries_unless_told_otherwise() -> None:
    assert AgentOptions().max_retries == 3
    assert AgentOptions().overridden({"max_retries": 5}).max_retries == 5


async def test_an_agent_may_ask_for_its_retry_after_some_time(bench: Bench) -> None:
    async def later(ctx: Any) -> dict[str, Any]:
        raise Retry("the service is closed", after=timedelta(hours=1))

    agent = await bench.agent(later)
    async with bench.running():
        task = await bench.task(agent)

        async def tried() -> bool:
            return bool(await bench.attempts(task))

        await bench.until(tried)
    row, (attempt,) = await bench.row(task), await bench.attempts(task)
    assert (row["status"], row["retry_count"]) == ("pending", 1)
    assert row["scheduled_for"] - attempt["completed_at"] == timedelta(hours=1)


async def test_a_task_is_pending_then_processing_then_completed_with_its_result(
    bench: Bench,
) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def work(ctx: Any) -> dict[str, Any]:
        started.set()
        await go_on.wait()
        return {"answer": 42}

    agent = await bench.agent(work)
    task = await bench.task(agent)
    seen = [await bench.row(task)]
    async with bench.running():
        await asyncio.wait_for(started.wait(), 10)
        seen.append(await bench.row(task))
        go_on.set()
        seen += await bench.ended(task)
    assert [row["status"] for row in seen] == ["pending", "processing", "completed"]
    assert seen[1]["started_at"] is not None
    (attempt,) = await bench.attempts(task)
    assert attempt["output_data"] == {"answer": 42}


async def test_a_task_is_logged_when_it_begins_and_when_it_ends(
    bench: Bench, log_lines: Lines
) -> None:
    agent = await bench.agent(quick)
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    told = [line["event"] for line in log_lines() if line.get("task_id") == str(task)]
    assert told == ["task started", "task finished"]


async def test_a_failure_is_logged_with_the_task_and_its_reason(
    bench: Bench, log_lines: Lines
) -> None:
    async def broken(ctx: Any) -> dict[str, Any]:
        raise ValueError("bad data")

    agent = await bench.agent(broken, configuration='{"max_retries": 0}')
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    (line,) = [line for line in log_lines() if line["level"] == "error"]
    assert line["task_id"] == str(task)
    assert line["error"].startswith("ValueError: bad data")


@pytest.mark.slow
async def test_an_attempt_that_lasts_is_seen_as_running(bench: Bench) -> None:
    go_on = asyncio.Event()

    async def slow(ctx: Any) -> dict[str, Any]:
        await go_on.wait()
        return {}

    agent = await bench.agent(slow)
    async with bench.running(replace(FAST, lease_s=3)):
        task = await bench.task(agent)

        async def shown() -> bool:
            return [one["status"] for one in await bench.attempts(task)] == ["running"]

        await bench.until(shown)
        go_on.set()
        await bench.ended(task)
    assert [one["status"] for one in await bench.attempts(task)] == ["completed"]


async def test_every_attempt_is_measured_without_being_asked(bench: Bench) -> None:
    async def busy(ctx: Any) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {}

    agent = await bench.agent(busy)
    async with bench.running():
        task = await bench.task(agent)
        await bench.ended(task)
    (attempt,) = await bench.attempts(task)
    assert attempt["duration_ms"] >= 50
    assert attempt["metrics"]["run_ms"] == attempt["duration_ms"]


async def test_times_are_utc_in_the_session_and_in_the_log(bench: Bench, log_lines: Lines) -> None:
    agent = await bench.agent(quick)
    async with bench.running():
        await bench.ended(await bench.task(agent))
    row = await bench.db.fetch_one("SELECT current_setting('TimeZone') AS zone")
    assert row == {"zone": "UTC"}
    assert {line["timestamp"][-1] for line in log_lines()} == {"Z"}
    (task,) = await bench.db.fetch_all("SELECT created_at FROM agent_tasks")
    assert task["created_at"].utcoffset() == timedelta(0)


def test_only_json_objects_go_in(dsn: str) -> None:
    with Client(dsn) as client:
        agent = client.create_agent(agent_type="quick")
        with pytest.raises(InvalidInputError, match="not JSON"):
            client.enqueue(agent, {"when": object()})
    with psycopg.connect(dsn) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("INSERT INTO agent_tasks (payload) VALUES ('[1]')")


def test_the_database_is_named_by_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://user:swordfish@localhost:5432/agents"
    monkeypatch.setenv("DATABASE_URL", url)
    settings = load_settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == url
    assert "swordfish" not in repr(settings)


async def test_a_connection_that_must_be_encrypted_is_never_a_plain_one() -> None:
    heard: list[bytes] = []
    gone = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(len(ASK_FOR_TLS)))
        writer.write(b"N")
        heard.append(await reader.read())
        writer.close()
        gone.set()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        with pytest.raises(DatabaseError, match="SSL"):
            await Database(f"postgresql://me:pw@{host}:{port}/agents?sslmode=require").open()
        await asyncio.wait_for(gone.wait(), 10)
    assert heard == [ASK_FOR_TLS, b""]


def test_python_3_11_and_newer_will_do() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"


@pytest.mark.slow
async def test_the_command_starts_a_worker_of_4_that_logs_what_it_does(bench: Bench) -> None:
    task = await bench.task(await bench.agent_row("quick"))
    words = ("--concurrency", "4", "--log-level", "info", "--import", "tests.daemon.sample_agents")
    _, said = await command(bench, "start", "--drain-and-exit", *words)
    lines = [json.loads(line) for line in said.splitlines()]
    (started,) = [line for line in lines if line["event"] == "runner started"]
    assert started["slots"] == 4
    (finished,) = [line for line in lines if line["event"] == "task finished"]
    assert (finished["task_id"], finished["status"]) == (str(task), "completed")


@pytest.mark.slow
async def test_the_command_puts_a_task_in_and_shows_it(bench: Bench) -> None:
    await bench.agent_row("quick")
    payload = {"title": "Read it", "description": "All of it."}
    said, _ = await command(bench, "enqueue", "quick", "--payload", json.dumps(payload), "--json")
    row = await bench.row(UUID(json.loads(said)["id"]))
    assert (row["status"], row["payload"]) == ("pending", payload)
    said, _ = await command(bench, "tasks", "list", "--json")
    assert [task["id"] for task in json.loads(said)] == [str(row["id"])]


async def command(bench: Bench, *words: str) -> tuple[str, str]:
    """What a command of ours wrote, on both ways; fails when the command does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "oppspot_runner", *words),
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": bench.db.dsn, "OPPSPOT_LOG": "json"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode(), err.decode()


async def test_what_people_look_for_after_a_run_is_one_query_per_agent(bench: Bench) -> None:
    agent = await bench.agent(quick)
    async with bench.running():
        await bench.ended(*[await bench.task(agent) for _ in range(2)])
    (row,) = await bench.db.fetch_all(
        "SELECT agent_id, tasks_completed, success_rate, avg_duration_ms FROM agent_performance"
    )
    assert (row["agent_id"], row["tasks_completed"], row["success_rate"]) == (agent, 2, 1)
    assert row["avg_duration_ms"] >= 0
