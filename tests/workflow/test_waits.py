"""Agents that wait for a time or an event: no slot, no retry, no signal lost, no step repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.agents.context import Context
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base import outcome as ends
from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.queue import store
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.journal import WAIT_FOR_EVENT
from oppspot_runner.queue.settlement import settlement
from tests.runner.conftest import FAST, Bench
from tests.stepping import Stepper, interleave, session
from tests.workflow.waiting import (
    CALLS,
    asks,
    asks_in_a_thread,
    sleeps,
    stream_of,
    task_of_run,
    value,
    waits,
)

SLOW_POLL = replace(FAST, poll_s=60)  # what is woken is woken by what happens


@pytest.fixture(autouse=True)
def _no_calls() -> Iterator[None]:
    CALLS.clear()
    yield
    CALLS.clear()


async def signal(bench: Bench, task: UUID, name: str = "approval", **payload: Any) -> UUID:
    run = (await bench.row(task))["run_id"]
    return await AsyncClient(bench.db).signal_run(run, name, payload)


async def output(bench: Bench, task: UUID) -> Any:
    (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    assert row["retry_count"] == 0
    return (await bench.attempts(task))[-1]["output_data"]


async def test_a_signal_ends_a_wait_at_once_and_steps_are_not_repeated(bench: Bench) -> None:
    task = await task_of_run(bench, await bench.agent(asks))
    async with bench.running(replace(SLOW_POLL, slots=1)):
        await bench.until(waits(bench, task))
        await bench.ended(await bench.task(await bench.agent(sleeps), payload='{"s": 0}'))
        await signal(bench, task, by="ann")
        assert await output(bench, task) == {"by": "ann", "attempt": 2}
    assert CALLS == ["before", "before", "after"]  # one is of the other task
    assert await value(bench.db, "SELECT count(*) FROM task_waits") == 0
    first = (await bench.attempts(task))[0]
    assert (first["status"], first["error_message"]) == (
        "cancelled",
        "waited: for the event 'approval'",
    )


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["thread", "process"])
@pytest.mark.parametrize("agent", [asks, asks_in_a_thread])
async def test_it_waits_wherever_it_runs(bench: Bench, agent: Any, isolation: str) -> None:
    task = await task_of_run(bench, await bench.agent(agent, isolation=isolation))
    async with bench.running(SLOW_POLL):
        await bench.until(waits(bench, task))
        await signal(bench, task, by="ann")
        assert await output(bench, task) == {"by": "ann", "attempt": 2}


async def test_signals_that_come_early_are_kept_and_taken_once_in_their_order(
    bench: Bench,
) -> None:
    async def takes_three(ctx: Context) -> dict[str, Any]:
        await ctx.wait_for_event("begin")
        return {"got": [(await ctx.wait_for_event("next"))["n"] for _ in range(3)]}

    task = await task_of_run(bench, await bench.agent(takes_three))
    async with bench.running(SLOW_POLL):
        await bench.until(waits(bench, task))
        for n in range(4):
            await signal(bench, task, "next", n=n)
        await signal(bench, task, "begin")
        assert await output(bench, task) == {"got": [0, 1, 2]}
    left = await bench.db.fetch_all("SELECT payload FROM run_signals WHERE taken_by IS NULL")
    assert left == [{"payload": {"n": 3}}]


async def test_an_agent_that_lets_the_lateness_through_has_failed(bench: Bench) -> None:
    async def impatient(ctx: Context) -> dict[str, Any]:
        return {"got": await ctx.wait_for_event("approval", 0.1)}

    task = await task_of_run(bench, await bench.agent(impatient))
    async with bench.running():
        (row,) = await bench.ended(task)
    assert (row["status"], row["retry_count"]) == ("failed", 0)
    assert row["error_message"] == "the event 'approval' did not come in time"


async def test_a_wait_that_gets_no_answer_in_time_raises_in_the_agent(bench: Bench) -> None:
    task = await task_of_run(bench, await bench.agent(asks), payload='{"timeout": 0.2}')
    async with bench.running(SLOW_POLL):
        assert await output(bench, task) == {"late": True, "attempt": 2}
        await bench.ended(task)
    # The time counts from the first look: what wakes the task before it changes nothing.
    other = await task_of_run(bench, await bench.agent_row("asks"), payload='{"timeout": 3600}')
    async with bench.running(SLOW_POLL):
        await bench.until(waits(bench, other))
        due = await value(bench.db, "SELECT due_at FROM waiting_tasks")
        await bench.db.execute("UPDATE agent_tasks SET scheduled_for = oppspot_now()")

        async def looked_again() -> bool:
            return (await bench.row(other))["attempt"] == 2 and await waits(bench, other)()

        await bench.until(looked_again)
        assert await value(bench.db, "SELECT due_at FROM waiting_tasks") == due


async def test_a_sleep_ends_at_its_time_whatever_happens_meanwhile(bench: Bench) -> None:
    agent = await bench.agent(sleeps)
    task = await bench.task(agent, payload='{"s": 0.3}')
    async with bench.running(SLOW_POLL):
        assert await output(bench, task) == {"attempt": 2}
        (first, second) = await bench.attempts(task)
        assert (second["started_at"] - first["completed_at"]).total_seconds() < 5
        long = await bench.task(agent, payload='{"s": 3600}')
        await bench.until(waits(bench, long))
        (row,) = await bench.db.fetch_all("SELECT kind, name, due_at FROM waiting_tasks")
        assert (row["kind"], row["name"]) == ("time", None)
        assert (await bench.row(long))["scheduled_for"] == row["due_at"]
        await AsyncClient(bench.db).cancel(long)
        (row,) = await bench.ended(long)
        assert row["status"] == "cancelled"
    assert CALLS == ["before", "before"]


async def test_waits_that_are_asked_for_at_once_are_taken_one_after_the_other(
    bench: Bench,
) -> None:
    async def both(ctx: Context) -> dict[str, Any]:
        async with asyncio.TaskGroup() as group:
            one = group.create_task(ctx.wait_for_event("one"))
            two = group.create_task(ctx.wait_for_event("two"))
        return {"got": [one.result()["n"], two.result()["n"]]}

    task = await task_of_run(bench, await bench.agent(both))
    async with bench.running(SLOW_POLL):
        await bench.until(waits(bench, task))
        await signal(bench, task, "two", n=2)
        await signal(bench, task, "one", n=1)
        assert await output(bench, task) == {"got": [1, 2]}


async def test_what_cannot_be_waited_for_is_refused(bench: Bench) -> None:
    async def without_run(ctx: Context) -> None:
        await ctx.wait_for_event("x")

    async def unusable(ctx: Context) -> dict[str, Any]:
        refused = []
        for wait in (
            partial(ctx.wait_for_event, ""),
            partial(ctx.wait_for_event, "x" * 200),
            partial(ctx.wait_for_event, "x", float("nan")),
            partial(ctx.sleep_until, float("inf")),
            partial(ctx.sleep_until, ctx.deadline.replace(tzinfo=None)),
            partial(ctx.sleep_until, ctx.deadline.replace(year=9999)),
        ):
            try:
                await wait()
            except InvalidInputError as error:
                refused.append(str(error))
        return {"refused": len(refused)}

    async def in_batches(contexts: list[Context]) -> list[Any]:
        for ctx in contexts:
            await ctx.sleep_until(ctx.deadline)
        return []

    lonely = await bench.task(await bench.agent(without_run))
    many = await bench.task(await bench.agent(in_batches, batch=2))
    fine = await bench.task(await bench.agent(unusable))
    async with bench.running():
        rows = await bench.ended(lonely, many)
        assert [row["status"] for row in rows] == ["failed", "failed"]
        assert "belongs to no run" in rows[0]["error_message"]
        assert "batches cannot wait" in rows[1]["error_message"]
        assert await output(bench, fine) == {"refused": 6}


async def test_a_wait_outlives_its_runner(bench: Bench) -> None:
    """What a killed runner leaves is the same as what one that was lost at any moment leaves."""
    task = await task_of_run(bench, await bench.agent(asks))
    async with bench.running(SLOW_POLL):
        await bench.until(waits(bench, task))
    await signal(bench, task, by="ann")
    async with bench.running(SLOW_POLL):
        assert await output(bench, task) == {"by": "ann", "attempt": 2}


class Waiter:
    """A claimed task of a run, and the acts of its attempt as statements of their own."""

    def __init__(self, db: Database, task: Task) -> None:
        self.db = db
        self.task = task

    async def wait(self, connection: Connection, name: str = "approval") -> Any:
        params = {
            "task_id": self.task.id,
            "run_token": self.task.run_token,
            "name": name,
            "step": f"event {name}",
            "deadline_step": f"deadline of event {name}",
            "seq": 0,
            "timeout_s": None,
        }
        return await (await connection.execute(WAIT_FOR_EVENT, params)).fetchone()

    async def park(self, connection: Connection) -> None:
        snooze = ends.Snooze("waits", after_s=3600)
        await store.finish(
            connection, 1, [settlement(self.task, snooze, backoff=Backoff(), max_retries=3)]
        )

    async def send(self, connection: Connection) -> None:
        await connection.execute("SELECT signal_run(%s, 'approval')", (self.task.run_id,))

    async def row(self) -> dict[str, Any]:
        row = await self.db.fetch_one("SELECT * FROM agent_tasks WHERE id = %s", (self.task.id,))
        assert row is not None
        return row


@pytest.fixture
async def waiter(bench: Bench) -> Waiter:
    agent = await bench.agent_row("asks")
    stream = await stream_of(bench.db, agent)
    await bench.db.execute("SELECT run_stream(%s)", (stream,))
    async with bench.db.connection() as connection:
        (task,) = (await Claimer(1).claim(connection, 1)).tasks
    return Waiter(bench.db, task)


def orders() -> Iterator[str]:
    """All orders of the attempt's five steps (a) and the signaller's three (s)."""

    def mixed(a: int, s: int) -> Iterator[str]:
        if a == s == 0:
            yield ""
        if a:
            yield from ("a" + rest for rest in mixed(a - 1, s))
        if s:
            yield from ("s" + rest for rest in mixed(a, s - 1))

    yield from mixed(5, 3)


@pytest.mark.parametrize("order", list(orders()))
async def test_no_signal_is_lost_between_the_look_and_the_parking(
    db: Database, waiter: Waiter, order: str
) -> None:
    """Afterwards the signal was taken, or the task is in line to take it."""

    async def commit_and_begin(connection: Connection) -> None:
        await connection.execute("COMMIT")
        await connection.execute("BEGIN")

    taken: list[bool] = []

    async def look(connection: Connection) -> None:
        taken.append((await waiter.wait(connection))["over"])

    async def park(connection: Connection) -> None:
        if not taken[0]:
            await waiter.park(connection)

    async with session(db) as one, session(db) as other:
        steppers = {
            "a": Stepper(one, look, commit_and_begin, park),
            "s": Stepper(other, waiter.send),
        }
        await interleave(db, steppers, order)
    row = await waiter.row()
    assert taken == [True] or (row["status"] == "pending" and not row["parked"])
    assert not row["signalled"] or row["status"] == "processing"


async def test_a_look_that_is_repeated_gets_the_same_signal(db: Database, waiter: Waiter) -> None:
    async with session(db) as connection:
        await waiter.send(connection)
        await waiter.send(connection)
        assert [(await waiter.wait(connection))["over"] for _ in range(2)] == [True, True]
    assert await value(db, "SELECT count(*) FROM run_signals WHERE taken_by IS NULL") == 1


async def test_a_signal_that_did_not_see_the_wait_is_found_by_the_next_poll(
    db: Database, waiter: Waiter
) -> None:
    async with session(db) as connection, session(db) as other:
        await other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await other.execute("SELECT count(*) FROM agent_tasks")
        await waiter.wait(connection)
        await waiter.park(connection)
        await waiter.send(other)
        await other.execute("COMMIT")
        assert (await waiter.row())["parked"]
        assert await store.wake_waiting(connection) == 1
        assert not (await waiter.row())["parked"]
        assert await store.wake_waiting(connection) == 0


async def test_a_fenced_attempt_takes_no_signal(db: Database, waiter: Waiter) -> None:
    async with session(db) as connection:
        await waiter.send(connection)
        await connection.execute("UPDATE agent_tasks SET status = 'pending'")
        assert await waiter.wait(connection) is None
    assert await value(db, "SELECT count(*) FROM run_signals WHERE taken_by IS NULL") == 1
