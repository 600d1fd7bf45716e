"""Broken connections, bad rows in a batch, agents that do not end, subscribers that fail."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from oppspot_runner.agents.context import Context
from oppspot_runner.base.errors import Retry, Snooze
from oppspot_runner.base.events import DatabaseAway, DatabaseBack, TaskFinished, WakeChanged, on
from oppspot_runner.db.pool import Connection
from oppspot_runner.runner import cut_off
from tests.runner.conftest import FAST, KILL_LISTENER, Bench

KILL_ALL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)

LEFT = "SELECT count(*) AS n FROM agent_tasks WHERE status <> 'completed'"
COMPLETED_TWICE = (
    "SELECT task_id FROM agent_executions WHERE status = 'completed'"
    " GROUP BY task_id HAVING count(*) <> 1"
)


async def short(ctx: Any) -> dict[str, Any]:
    await asyncio.sleep(0.005)
    return {}


@pytest.mark.slow
async def test_killed_connections_lose_no_task(bench: Bench) -> None:
    agent = await bench.agent(short)
    await bench.db.execute(
        "INSERT INTO agent_tasks (agent_id) SELECT %s FROM generate_series(1, 300)", (agent,)
    )

    async def left(killer: Connection) -> int:
        row = await (await killer.execute(LEFT)).fetchone()
        assert row is not None
        return row["n"]

    async with await bench.db.connect() as killer, bench.running():
        for below in (250, 150, 50):

            async def reached(below: int = below) -> bool:
                return await left(killer) <= below

            await bench.until(reached, within_s=30)
            await killer.execute(KILL_ALL)

        async def none_left() -> bool:
            return await left(killer) == 0

        await bench.until(none_left, within_s=40)
        rows = await (await killer.execute(COMPLETED_TWICE)).fetchall()
    assert rows == []
    assert len(bench.happened(DatabaseBack)) == len(bench.happened(DatabaseAway))


async def test_a_step_that_is_done_while_the_database_is_away_is_kept_and_charges_nobody(
    bench: Bench,
) -> None:
    ran: list[int] = []
    async with await bench.db.connect() as killer:

        async def outage(ctx: Context) -> dict[str, Any]:
            async def pay() -> str:
                ran.append(ctx.attempt)
                await killer.execute(KILL_ALL)
                return "receipt"

            receipt = await ctx.step("pay", pay)
            await killer.execute(KILL_ALL)
            await ctx.progress(1, 1)
            return {"receipt": receipt}

        agent = await bench.agent(outage)

        async def finished() -> bool:
            return bool(bench.happened(TaskFinished))

        async with bench.running():
            await bench.task(agent)
            await bench.until(finished)
    (end,) = bench.happened(TaskFinished)
    assert (end.status, end.task.attempt, end.error) == ("completed", 1, None)
    assert ran == [1]


async def test_a_listener_whose_connection_is_killed_hears_again(bench: Bench) -> None:
    agent = await bench.agent(short)
    async with bench.running(replace(FAST, poll_s=60)):

        async def wakes() -> list[str]:
            return [event.wake for event in bench.happened(WakeChanged)]

        async def heard() -> bool:
            return await wakes() == ["notify"]

        await bench.until(heard)
        await bench.db.execute(KILL_LISTENER)

        async def heard_again() -> bool:
            return await wakes() == ["notify", "poll", "notify"]

        await bench.until(heard_again)
        task = await bench.task(agent)
        await bench.ended(task, within_s=10)


async def test_one_result_that_postgres_refuses_does_not_spoil_the_batch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oppspot_runner.queue import settlement

    # Takes away the net that catches such results before they are sent.
    monkeypatch.setattr(settlement, "clean", lambda value: value)

    async def mixed(ctx: Any) -> dict[str, Any]:
        return {"text": "a\x00b" if ctx.payload.get("bad") else "fine"}

    agent = await bench.agent(mixed)
    bad = await bench.task(agent, payload='{"bad": true}')
    good = [await bench.task(agent) for _ in range(20)]
    async with bench.running(replace(FAST, slots=21)):
        first, *others = await bench.ended(bad, *good)
    assert first["status"] == "failed"
    assert "the result could not be stored" in first["error_message"]
    assert {row["status"] for row in others} == {"completed"}


async def test_an_agent_that_ignores_its_cancellation_is_left_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cut_off, "CUT_OFF_S", 0.1)
    go_on = asyncio.Event()

    async def stubborn(ctx: Any) -> dict[str, Any]:
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue
        return {}

    agent = await bench.agent(stubborn, configuration='{"time_limit": 0.1, "max_retries": 0}')
    try:
        async with bench.running() as runner:
            before = runner.hanging  # threads that other tests left in this process
            task = await bench.task(agent)
            (row,) = await bench.ended(task)
        assert runner.hanging == before + 1
        assert row["status"] == "failed"
        assert "time limit" in row["error_message"]
    finally:
        go_on.set()  # else nothing ends it, and the loop of the test waits for ever


@pytest.mark.parametrize("error", [RuntimeError("subscriber"), SystemExit(1)], ids=repr)
async def test_a_failing_subscriber_harms_nothing(error: BaseException, bench: Bench) -> None:
    seen: list[str] = []

    @on(TaskFinished)
    def broken(event: TaskFinished) -> None:
        seen.append(event.status)
        raise error

    try:
        agent = await bench.agent(short)
        async with bench.running():
            tasks = [await bench.task(agent) for _ in range(2)]
            await bench.ended(*tasks)
    finally:
        from oppspot_runner.base.events import everybody

        everybody.unsubscribe(broken)
    assert seen == ["completed", "completed"]


async def test_a_secret_in_an_error_does_not_reach_the_database(bench: Bench) -> None:
    async def leaking(ctx: Any) -> dict[str, Any]:
        raise ValueError("GET https://user:hunter2@host/?api_key=abc123 failed")

    agent = await bench.agent(leaking, configuration='{"max_retries": 0}')
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    (attempt,) = await bench.attempts(task)
    for text in (row["error_message"], attempt["error_message"]):
        assert "hunter2" not in text
        assert "abc123" not in text
        assert "[redacted]" in text


async def test_a_task_cancelled_while_it_runs_ends_cancelled(bench: Bench) -> None:
    started = asyncio.Event()

    async def long(ctx: Any) -> dict[str, Any]:
        started.set()
        await asyncio.Event().wait()
        return {}

    agent = await bench.agent(long)
    async with bench.running(replace(FAST, lease_s=2)):
        task = await bench.task(agent)
        await asyncio.wait_for(started.wait(), 10)
        await bench.db.execute(
            "UPDATE agent_tasks SET cancel_requested_at = now(), cancel_reason = 'not needed'"
            " WHERE id = %s",
            (task,),
        )
        (row,) = await bench.ended(task)
    assert (row["status"], row["error_message"]) == ("cancelled", "not needed")


def nested(depth: int) -> BaseException:
    error: Exception = ValueError("far down")
    for _ in range(depth):
        error = ExceptionGroup("around", [error])
    return error


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (SystemExit(3), "the agent called exit(3)"),
        (Unprintable(), "an error that cannot be shown"),
        (asyncio.CancelledError(), "the agent cancelled itself"),
        (
            ExceptionGroup("many", [ExceptionGroup("some", [ValueError("one")]), KeyError(2)]),
            "of raising in test_trouble.py); ValueError: one; KeyError: 2",
        ),
        (nested(3_000), "of raising in test_trouble.py); ValueError: far down"),
    ],
)
async def test_whatever_an_agent_raises_is_an_error_of_its_attempt_only(
    bench: Bench, what: BaseException, told: str
) -> None:
    async def raising(ctx: Any) -> dict[str, Any]:
        raise what

    agent = await bench.agent(raising, configuration='{"max_retries": 0}')
    other = await bench.agent(short)
    async with bench.running():
        row, fine = await bench.ended(await bench.task(agent), await bench.task(other))
    assert row["status"] == "failed"
    assert told in row["error_message"]
    assert fine["status"] == "completed"


@pytest.mark.parametrize("after", [float("inf"), float("nan"), 1e300, -5])
async def test_an_absurd_delay_neither_loses_the_task_nor_the_runner(
    bench: Bench, after: float
) -> None:
    async def absurd(ctx: Any) -> dict[str, Any]:
        if ctx.attempt == 1:
            raise Retry("again", after=after)
        return {}

    agent = await bench.agent(absurd)
    async with bench.running():
        task = await bench.task(agent)

        async def tried() -> bool:
            return bool(bench.happened(TaskFinished))

        await bench.until(tried)
    assert (await bench.row(task))["status"] in ("pending", "completed")


async def test_a_snooze_beyond_all_calendars_fails_with_the_reason(bench: Bench) -> None:
    async def forever(ctx: Any) -> dict[str, Any]:
        raise Snooze(until=datetime.max.replace(tzinfo=UTC))

    agent = await bench.agent(forever)
    async with bench.running():
        task = await bench.task(agent)
        (row,) = await bench.ended(task)
    assert row["status"] == "failed"
    assert "agent_tasks_time_is_finite" in row["error_message"]


async def test_a_step_that_blocks_does_not_block_the_loop(bench: Bench) -> None:
    gate = threading.Event()

    def blocking() -> str:
        gate.wait(10)
        return "through"

    async def stepping(ctx: Any) -> dict[str, Any]:
        return {"got": await ctx.step("wait", blocking)}

    agent, other = await bench.agent(stepping), await bench.agent(short)
    async with bench.running():
        blocked = await bench.task(agent)
        await bench.ended(await bench.task(other))
        gate.set()
        await bench.ended(blocked)
    (attempt,) = await bench.attempts(blocked)
    assert attempt["output_data"] == {"got": "through"}


async def test_a_cancelled_task_does_not_come_back_by_a_retry(bench: Bench) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def failing(ctx: Any) -> dict[str, Any]:
        started.set()
        await go_on.wait()
        raise ValueError("an error at the wrong time")

    agent = await bench.agent(failing)
    async with bench.running(replace(FAST, lease_s=60)):
        task = await bench.task(agent)
        await asyncio.wait_for(started.wait(), 10)
        await bench.db.execute(
            "UPDATE agent_tasks SET cancel_requested_at = now(), cancel_reason = 'not needed'"
        )
        go_on.set()
        (row,) = await bench.ended(task)
    assert (row["status"], row["error_message"]) == ("cancelled", "not needed")


async def test_an_execution_id_that_was_not_promised_is_not_taken(bench: Bench) -> None:
    foreign = await bench.db.fetch_one(
        "INSERT INTO agent_executions (status) VALUES ('completed') RETURNING id"
    )
    assert foreign is not None
    agent = await bench.agent(short)
    tasks = [await bench.task(agent, execution_id=foreign["id"]) for _ in range(2)]
    async with bench.running():
        rows = await bench.ended(*tasks)
    assert [row["status"] for row in rows] == ["completed", "completed"]


async def test_the_first_attempt_takes_over_the_row_that_was_promised(bench: Bench) -> None:
    agent = await bench.agent(short)
    promised = "00000000-0000-7000-8000-000000000001"
    task = await bench.task(agent, execution_id=promised, scheduled_for="2999-01-01")
    await bench.db.execute(
        "INSERT INTO agent_executions (id, task_id, attempt, status) VALUES (%s, %s, 1, 'queued')",
        (promised, task),
    )
    async with bench.running():
        await bench.db.execute("UPDATE agent_tasks SET scheduled_for = now()")
        await bench.ended(task)
    (attempt,) = await bench.attempts(task)
    assert (str(attempt["id"]), attempt["status"]) == (promised, "completed")
    assert attempt["metrics"].keys() >= {"api_calls", "tokens", "cost_usd", "steps", "wait_ms"}


async def test_a_visible_attempt_ends_when_its_task_is_changed_by_hand(bench: Bench) -> None:
    started = asyncio.Event()

    async def long(ctx: Any) -> dict[str, Any]:
        started.set()
        await asyncio.Event().wait()
        return {}

    agent = await bench.agent(long)
    async with bench.running(replace(FAST, lease_s=2)):
        task = await bench.task(agent)

        async def visible() -> bool:
            return [one["status"] for one in await bench.attempts(task)] == ["running"]

        await bench.until(visible)
        await bench.db.execute("UPDATE agent_tasks SET status = 'cancelled'")
    (attempt,) = await bench.attempts(task)
    assert attempt["status"] == "cancelled"
    assert "by hand" in attempt["error_message"]
