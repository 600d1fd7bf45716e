"""The event loop is watched: who blocks it is named, and in the end the others are saved."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.app.status import read_status
from oppspot_runner.base.errors import DatabaseError
from oppspot_runner.base.events import LeaseLost, LoopStoodStill
from oppspot_runner.base.settings import Settings
from oppspot_runner.cli.status import exit_code
from oppspot_runner.observe import logging
from oppspot_runner.runner import loopwatch
from oppspot_runner.runner.attempt import RUNNING, Attempt
from oppspot_runner.runner.loopwatch import LoopWatch
from oppspot_runner.runner.watchdog import Watchdog
from tests.runner.conftest import FAST, Bench


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """What is logged, warnings too."""
    logging.set_up("json", "warning")
    with capture_logs() as captured:
        yield captured
    logging.set_up("json", "error")


def block(seconds: float) -> None:
    """What a careless agent does."""
    threading.Event().wait(seconds)


async def blocking(ctx: Any) -> dict[str, Any]:
    if ctx.attempt == 1:
        block(ctx.payload["s"])
    return {"attempt": ctx.attempt}


async def patient(ctx: Any) -> dict[str, Any]:
    if ctx.attempt == 1:
        await asyncio.Event().wait()
    return {"attempt": ctx.attempt}


@pytest.mark.slow
async def test_an_agent_that_blocks_the_loop_is_named_while_it_does(
    bench: Bench, lines: list[Any]
) -> None:
    agent = await bench.agent(blocking)
    async with bench.running():
        task = await bench.task(agent, payload='{"s": 2.5}')
        (row,) = await bench.ended(task)
    assert row["status"] == "completed"
    told = [line for line in lines if line["event"] == "the agent blocks the event loop"]
    seconds = [line["seconds"] for line in told]
    assert seconds in ([1], [1, 2])  # a machine under load looks less often
    for line in told:
        assert line["task_id"] == task
        assert line["agent_type"] == "blocking"
        assert " block < test_watchdog.py:" in line["where"]
        assert " blocking < " in line["where"]
    (over,) = bench.happened(LoopStoodStill)
    assert over.seconds > 2


@pytest.mark.slow
async def test_heartbeats_go_on_and_status_shows_a_standstill(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oppspot_runner.app.status.STANDSTILL_MS", 1_000)
    seen: list[Any] = []

    async def asking(ctx: Any) -> dict[str, Any]:
        """Blocks until a thread has seen that its runner is called unhealthy."""
        thread = threading.Thread(target=lambda: asyncio.run(look()))
        thread.start()
        thread.join(15)
        return {}

    async def look() -> None:
        from oppspot_runner.db.pool import Database

        async with Database(bench.db.dsn, schema=bench.db.schema) as database:
            while not seen:
                found = await read_status(database, Settings())
                seen.extend([found] if found.problems else [])

    agent = await bench.agent(asking)
    async with bench.running(replace(FAST, lease_s=2)):
        (row,) = await bench.ended(await bench.task(agent))
    assert row["status"] == "completed"
    (found,) = seen
    assert "stands still for 1 s: an agent blocks its event loop" in found.problems[0]
    assert exit_code(found) == 4
    assert found.body()["runners"][0]["lag_ms"] >= 1_000


@pytest.mark.slow
async def test_at_the_limit_the_others_are_given_back_and_the_culprit_is_charged(
    bench: Bench, lines: list[Any]
) -> None:
    innocent, guilty = await bench.agent(patient), await bench.agent(blocking)
    async with bench.running(replace(FAST, blocked_s=0.5)):
        others = [await bench.task(innocent) for _ in range(2)]

        async def all_on() -> bool:
            return {(await bench.row(one))["status"] for one in others} == {"processing"}

        await bench.until(all_on)
        culprit = await bench.task(guilty, payload='{"s": 2}')
        rows = await bench.ended(culprit, *others)
        assert len(bench.happened(LeaseLost)) == 1
    assert [row["status"] for row in rows] == ["completed"] * 3
    assert [row["crash_count"] for row in rows] == [1, 0, 0]
    assert [row["retry_count"] for row in rows] == [0, 0, 0]
    first = (await bench.attempts(others[0]))[0]
    assert first["status"] == "cancelled"
    assert first["error_message"] == (
        "given back: the event loop of its runner was blocked for 0.5 s"
    )
    (told,) = [line for line in lines if "other tasks were given back" in line["event"]]
    assert told["blamed"] == [str(culprit)]
    assert sorted(told["given_back"]) == sorted(map(str, others))


@pytest.mark.slow
async def test_a_task_whose_end_is_just_being_written_is_given_back_too(bench: Bench) -> None:
    """Its row is locked by a transaction that only the blocked loop could end."""
    saving = asyncio.Event()

    class Saving(Agent):
        async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
            return {"attempt": self.ctx.attempt}

        async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
            if ctx.attempt == 1:
                saving.set()
                await asyncio.Event().wait()
            return True

    bench.registry.register(Saving, "saving")
    innocent, guilty = await bench.agent_row("saving"), await bench.agent(blocking)
    async with bench.running(replace(FAST, blocked_s=0.5)):
        other = await bench.task(innocent)
        await asyncio.wait_for(saving.wait(), 10)
        culprit = await bench.task(guilty, payload='{"s": 2}')
        rows = await bench.ended(culprit, other)
    assert [row["status"] for row in rows] == ["completed"] * 2
    assert [row["crash_count"] for row in rows] == [1, 0]


@pytest.mark.slow
async def test_the_blame_is_on_the_task_until_it_runs_again(bench: Bench) -> None:
    async def blocks_and_stays(ctx: Any) -> dict[str, Any]:
        block(2)
        await asyncio.Event().wait()  # an end of its own might be written before the lease is lost
        return {}

    guilty = await bench.agent(blocks_and_stays)
    async with bench.running(replace(FAST, blocked_s=0.5, slots=1)) as runner:
        culprit = await bench.task(guilty)

        async def lost() -> bool:
            return bool(bench.happened(LeaseLost))

        await bench.until(lost)
        runner.stop()
    row = await bench.row(culprit)
    assert row["error_message"].startswith("it blocked the event loop of its runner for 0.5 s: "), (
        row
    )


@pytest.mark.slow
async def test_a_task_that_blocks_three_times_fails_with_the_blame_of_each_attempt(
    bench: Bench,
) -> None:
    async def blocks_and_stays(ctx: Any) -> dict[str, Any]:
        block(1)
        await asyncio.Event().wait()  # an end of its own might be written before the lease is lost
        return {}

    async with bench.running(replace(FAST, blocked_s=0.5)):
        culprit = await bench.task(await bench.agent(blocks_and_stays))
        (row,) = await bench.ended(culprit)
    blame = "it blocked the event loop of its runner for 0.5 s: "
    told = [one["error_message"] for one in await bench.attempts(culprit)]
    assert [one.startswith(blame) for one in told] == [True] * 3
    assert (row["status"], row["crash_count"], row["retry_count"]) == ("failed", 3, 0)
    assert row["error_message"].startswith("the runner was lost three times while this task ran")
    assert f": {blame}" in row["error_message"]


class Left:
    """Takes the place of leaving the process."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bool]] = []

    def __call__(self, reason: str, *, again: bool) -> None:
        self.calls.append((reason, again))


@pytest.mark.slow
async def test_the_process_starts_anew_where_it_is_the_runners(bench: Bench) -> None:
    guilty, left = await bench.agent(blocking), Left()
    async with bench.running(replace(FAST, blocked_s=0.5)) as runner:
        runner.leave = left
        await bench.ended(await bench.task(guilty, payload='{"s": 2}'))
    assert left.calls == [("the event loop was blocked for 0.5 s", True)]


@pytest.mark.slow
async def test_a_stop_that_a_blocked_loop_cannot_hear_ends_the_process_after_the_grace(
    bench: Bench,
) -> None:
    async def deaf(ctx: Any) -> dict[str, Any]:
        if ctx.attempt == 1:
            with psycopg.connect(bench.db.dsn, autocommit=True) as connection:
                connection.execute("UPDATE task_runners SET desired = 'stop'")
            block(2)
            await asyncio.Event().wait()  # an end of its own might be written before it is blamed
        return {}

    agent, left = await bench.agent(deaf), Left()
    async with bench.running(replace(FAST, grace_s=0.5)) as runner:
        runner.leave = left
        task = await bench.task(agent)

        async def is_over() -> bool:
            return runner.state == "stopped"

        await bench.until(is_over)
    ((reason, again),) = left.calls
    assert reason.startswith("the event loop was blocked for ")
    assert again is False
    assert (await bench.row(task))["error_message"].startswith("it blocked the event loop")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "looks"), [(DatabaseError("away"), 3), (ValueError("something else"), 1)]
)
async def test_it_waits_for_a_database_that_is_away_but_for_nothing_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Exception, looks: int
) -> None:
    asked: list[int] = []

    async def fails_twice(*_: Any) -> None:
        asked.append(1)
        if len(asked) < 3:
            raise fault

    monkeypatch.setattr(Watchdog, "_hand_over", fails_twice)
    guilty = await bench.agent(blocking)
    left = Left()
    async with bench.running(replace(FAST, blocked_s=0.5)) as runner:
        runner.leave = left
        await bench.ended(await bench.task(guilty, payload='{"s": 3}'))
    assert len(asked) == looks
    assert len(left.calls) == 1


class Frozen(threading.Event):
    """An event that nobody looks at more often than ten times in the time that it should."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout is None else timeout * 10)


@pytest.mark.slow
async def test_a_process_that_was_frozen_has_not_stood_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Looks are counted, not seconds: the clock may have gone on without anybody."""
    monkeypatch.setattr(loopwatch, "LOOK_S", 0.02)
    monkeypatch.setattr(loopwatch, "FIRST_S", 0.2)
    told: list[float] = []
    watch = LoopWatch(
        limit_s=lambda: 0.3,
        on_standstill=lambda one: told.append(one.seconds),
        on_limit=lambda one: told.append(one.seconds) or True,
        on_moving=lambda _: None,
    )
    watch._answered = Frozen()
    watch.start()
    block(1)
    assert told == []
    watch._answered = threading.Event()
    block(1.5)
    watch.stop()
    assert told[:3] == pytest.approx([0.2, 0.3, 0.4])


async def test_a_task_that_the_body_started_is_known_by_what_it_inherited(bench: Bench) -> None:
    """What Python 3.12 tells of a task; before that all that run in the loop are suspects."""
    attempts: list[Attempt] = []

    async def parent(ctx: Any) -> dict[str, Any]:
        mine = [one for one in attempts_of().values() if one.task.id == ctx.task.id]
        attempts.extend(mine)
        seen.append(RUNNING.get())
        return {}

    seen: list[int] = []
    agent = await bench.agent(parent)
    async with bench.running() as runner:

        def attempts_of() -> dict[int, Attempt]:
            return runner.attempts

        await bench.ended(await bench.task(agent))
    (attempt,) = attempts
    assert seen == [attempt.task.run_token]

    class Child:
        def get_context(self) -> dict[Any, int]:
            return {RUNNING: attempt.task.run_token}

    class Stranger:
        def get_context(self) -> dict[Any, int]:
            return {}

    assert attempt.is_run_by(Child())  # type: ignore[arg-type]
    assert not attempt.is_run_by(Stranger())  # type: ignore[arg-type]
    assert not attempt.is_run_by(None)


@pytest.mark.slow
async def test_when_the_culprit_cannot_be_told_all_in_the_loop_are_suspects(
    bench: Bench, lines: list[Any]
) -> None:
    async def calling_back(ctx: Any) -> dict[str, Any]:
        asyncio.get_running_loop().call_soon(block, 1.6)
        await asyncio.sleep(0.01)
        return {}

    agent, other = await bench.agent(calling_back), await bench.agent(patient)
    async with bench.running():
        innocent = await bench.task(other)

        async def on() -> bool:
            return (await bench.row(innocent))["status"] == "processing"

        await bench.until(on)
        task = await bench.task(agent)
        await bench.ended(task)
    (told, *_) = [line for line in lines if line["event"] == "something blocks the event loop"]
    assert sorted(told["tasks"]) == sorted(map(str, (task, innocent)))
