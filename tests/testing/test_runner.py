"""The fixtures `runner`, `drain` and `world`, as a user's test sees them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from pydantic import BaseModel

from oppspot_runner import (
    Agent,
    Client,
    Context,
    Fail,
    OppspotError,
    Retry,
    Snooze,
    agent,
    registry,
)
from oppspot_runner.base.errors import ConflictError, InvalidInputError
from oppspot_runner.testing import AsyncRunner, Attempt, Runner, World

pytest_plugins = ["oppspot_runner.testing.plugin"]

Drain = Callable[..., Any]
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)


def seconds(attempts: list[Attempt]) -> list[float]:
    """When attempts ended, since the beginning of the test."""
    return [(one.finished_at - MIDNIGHT).total_seconds() for one in attempts]


async def test_a_schedule_fires_at_its_times_and_at_no_others(
    runner: AsyncRunner, drain: Drain
) -> None:
    @agent("weekly_news")
    async def weekly_news(ctx: Context) -> dict[str, Any]:
        return {"weekday": ctx.task.started_at.strftime("%a")}

    await runner.client.create_agent(
        name="digest",
        agent_type="weekly_news",
        schedule_cron="0 9 * * 1",
        schedule_timezone="Europe/Berlin",
    )
    assert await drain() == []
    done = await drain(until="2026-04-07")
    assert {one.output["weekday"] for one in done} == {"Mon"}
    assert [one.finished_at.day for one in done[:4]] == [5, 12, 19, 26]
    assert {one.finished_at.hour for one in done[:-2]} == {8}
    assert done[-1].finished_at == datetime(2026, 4, 6, 7, tzinfo=UTC)
    assert runner.clock.now == datetime(2026, 4, 7, tzinfo=UTC)


@pytest.mark.slow
def test_two_days_of_an_hourly_schedule(runner: Runner, drain: Drain) -> None:
    @agent("hourly")
    def hourly(ctx: Context) -> None:
        assert threading.current_thread() is not threading.main_thread()

    runner.client.create_agent(agent_type="hourly", schedule_cron="0 * * * *")
    done = drain(until=timedelta(days=2))
    assert [one.finished_at.hour for one in done] == [*range(1, 24), *range(24), 0]


async def test_errors_are_retried_at_their_times_and_kept_with_what_was_raised(
    runner: AsyncRunner, drain: Drain
) -> None:
    @agent("flaky", max_retries=3)
    async def flaky(ctx: Context) -> dict[str, Any]:
        done = await ctx.step("once", lambda: asked.append(ctx.attempt) or len(asked))
        if ctx.attempt < 3:
            raise ConnectionError(f"attempt {ctx.attempt}")
        return {"steps": done}

    asked: list[int] = []
    await runner.client.create_agent(agent_type="flaky")
    await runner.client.enqueue("flaky", {"a": 1})
    assert await drain() == []
    (done,) = await drain(until=timedelta(minutes=1))
    assert done.output == {"steps": 1}
    assert asked == [1]
    first, second, third = runner.attempts
    assert third is done
    assert seconds([first, second, third]) == [0, 1, 3]
    assert [one.status for one in (first, second, third)] == ["pending", "pending", "completed"]
    assert first.next_at == second.started_at
    assert isinstance(second.exception, ConnectionError)
    assert second.traceback is not None
    assert 'raise ConnectionError(f"attempt {ctx.attempt}")' in second.traceback
    assert "backends" not in second.traceback
    assert not first.ended
    assert done.payload == {"a": 1}


async def test_one_attempt_raises_what_its_agent_raises(runner: AsyncRunner) -> None:
    class Input(BaseModel):
        days: int = 7

    @agent("ends")
    async def ends(ctx: Context, input: dict[str, Any]) -> Any:
        match input.get("by"):
            case "error":
                raise ZeroDivisionError
            case "fail":
                raise Fail("no address")
            case "retry":
                raise Retry(after=60)
            case "snooze":
                raise Snooze(after=60)
            case "value":
                return {"error": "nobody is there", "retry": False}
        return input

    done = await runner.run(ends, Input())
    assert done.output == {"days": 7}
    assert done.status == "completed"
    for by, kind in [("error", ZeroDivisionError), ("fail", Fail), ("retry", Retry)]:
        with pytest.raises(kind):
            await runner.run(ends, {"by": by})
    with pytest.raises(OppspotError, match="nobody is there"):
        await runner.run(ends, {"by": "value"})
    snoozed = await runner.run("ends", {"by": "snooze"})
    assert (snoozed.status, snoozed.error) == ("pending", None)
    assert snoozed.next_at == MIDNIGHT + timedelta(minutes=1)
    with pytest.raises(ConflictError, match="cannot run now"):
        await runner.run(ends, at=MIDNIGHT + timedelta(days=1))


def test_a_bad_payload_is_an_error_that_names_the_field(runner: Runner) -> None:
    done = runner.run(Sums, {"numbers": [1, 2]})
    assert done.output == {"sum": 3}
    with psycopg.connect(runner.dsn) as connection:
        assert connection.execute("SELECT total FROM sums").fetchall() == [(3,)]
    with pytest.raises(OppspotError, match="bad payload for sums: numbers"):
        runner.run(Sums, {"numbers": "x"})
    with pytest.raises(ValueError, match="too much"):
        runner.run(Sums, {"numbers": [10]})


class Numbers(BaseModel):
    numbers: list[int]


class Sums(Agent):
    agent_type = "sums"
    input_model = Numbers

    async def create_initial_state(self, ctx: Context) -> Any:
        return self.input.numbers

    async def execute_agent(self, state: Any) -> dict[str, Any]:
        return {"sum": sum(state)}

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        await tx.execute("CREATE TABLE IF NOT EXISTS sums (total integer)")
        await tx.execute("INSERT INTO sums VALUES (%s)", (results["sum"],))
        if results["sum"] > 9:
            raise ValueError("too much")
        return True


async def test_what_was_put_in_is_seen_in_its_order(runner: AsyncRunner) -> None:
    @agent("mail")
    async def mail(ctx: Context) -> None: ...

    await runner.client.create_agent(agent_type="mail", name="letters")
    await runner.client.create_agent(agent_type="other")
    mail.enqueue({"to": "late"}, at=MIDNIGHT + timedelta(days=1))
    mail.enqueue({"to": "usual"})
    with Client() as client:
        client.enqueue("letters", {"to": "urgent"}, priority=9)
    await runner.client.enqueue("other")
    assert [one.payload["to"] for one in await runner.enqueued(mail)] == ["urgent", "usual", "late"]
    assert len(await runner.enqueued()) == 4
    assert await runner.enqueued("letters") == await runner.enqueued("mail")


async def test_a_wait_goes_on_with_its_time_or_its_event(runner: AsyncRunner, drain: Drain) -> None:
    @agent("patient")
    async def patient(ctx: Context) -> dict[str, Any]:
        await ctx.sleep_until(timedelta(days=3))
        said = await ctx.wait_for_event("answer", timeout=timedelta(days=7))
        return {"said": said}

    patient_id = await runner.client.create_agent(agent_type="patient")
    stream = await runner.client.create_stream(name="s")
    await runner.client.assign_agents_to_stream(stream, [{"agent_id": patient_id}])
    await runner.client.run_stream(stream)
    assert await drain(until=timedelta(days=5)) == []
    slept, waits = runner.attempts
    assert seconds([slept, waits]) == [0, 3 * 86_400]
    assert waits.next_at == MIDNIGHT + timedelta(days=10)
    (task,) = await runner.enqueued(patient)
    await runner.client.signal_run(task.run_id, "answer", {"yes": True})
    (done,) = await drain()
    assert done.output == {"said": {"yes": True}}
    assert done.finished_at == MIDNIGHT + timedelta(days=5)


async def test_a_chain_with_an_approval_a_retry_and_children(
    runner: AsyncRunner, drain: Drain
) -> None:
    @agent("first")
    async def first(ctx: Context) -> dict[str, Any]:
        parts = await ctx.spawn("part", [{"n": n} for n in range(3)])
        return {"sum": sum(one["n"] for one in parts)}

    @agent("part")
    async def part(ctx: Context) -> dict[str, Any]:
        if ctx.payload["n"] == 1 and ctx.attempt == 1:
            raise TimeoutError
        return {"n": ctx.payload["n"]}

    @agent("last")
    async def last(ctx: Context) -> dict[str, Any]:
        return {"upstream": [one["sum"] for one in ctx.upstream.values()]}

    client = runner.client
    ids = {name: await client.create_agent(agent_type=name) for name in ("first", "part", "last")}
    stream = await client.create_stream(name="s")
    await client.assign_agents_to_stream(
        stream,
        [
            {"agent_id": ids["first"]},
            {
                "agent_id": ids["last"],
                "depends_on_agent_ids": [ids["first"]],
                "requires_approval": True,
            },
        ],
    )
    await client.run_stream(stream)
    done = await drain(until=timedelta(hours=1))
    assert [one.agent for one in done] == ["part", "part", "part", "first"]
    assert [one.attempt for one in done] == [1, 1, 2, 2]
    with psycopg.connect(runner.dsn) as connection:
        ((run_id,),) = connection.execute("SELECT id FROM stream_runs").fetchall()
    await client.approve_run(run_id, "last")
    (ended,) = await drain()
    assert ended.output == {"upstream": [3]}
    assert (await client.get_run(run_id)).status == "completed"


def test_the_whole_world_has_the_time_of_the_runner(
    runner: Runner, world: World, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    @agent("reader", isolation="process")
    async def reader(ctx: Context) -> dict[str, Any]:
        return {"loaded": load(), "soft": ctx.deadline.isoformat()}

    monkeypatch.setitem(globals(), "load", lambda: "patched")
    assert world.clock.now == MIDNIGHT
    drain(until=date(2026, 3, 1))
    assert world.clock.now == runner.clock.now == datetime(2026, 3, 1, tzinfo=UTC)
    done = runner.run(reader, configuration={"time_limit": 60})
    assert done.output == {"loaded": "patched", "soft": "2026-03-01T00:01:00+00:00"}


def load() -> str:
    return "not patched"


async def test_a_time_limit_is_one_of_real_seconds(runner: AsyncRunner) -> None:
    @agent("slow")
    async def slow(ctx: Context) -> None:
        await asyncio.sleep(60)

    with pytest.raises(OppspotError, match=r"time limit of 0\.05 s") as raised:
        await runner.run(slow, max_retries=0, configuration={"time_limit": 0.05})
    assert raised.type is OppspotError


@pytest.mark.slow
async def test_who_comes_back_for_ever_at_one_time_is_told(
    runner: AsyncRunner, drain: Drain
) -> None:
    @agent("restless")
    async def restless(ctx: Context) -> None:
        raise Snooze(after=0)

    await runner.client.create_agent(agent_type="restless")
    await runner.client.enqueue("restless")
    with pytest.raises(ConflictError, match="had 100 attempts while it was 2026-01-01"):
        await drain()


@pytest.mark.parametrize("attempt", [1, 2])
def test_agents_inside_of_tests_are_forgotten_with_them(runner: Runner, attempt: int) -> None:
    def named_alike() -> Callable[..., Any]:
        @agent("alike")
        def alike(ctx: Context) -> int:
            return attempt

        return alike

    assert "alike" not in registry.known()
    assert runner.run(named_alike()).output == {"result": attempt}
    assert "sums" in registry.known()


async def test_times_that_mean_nothing_are_refused(runner: AsyncRunner, drain: Drain) -> None:
    runner.clock.set("2026-05-01T12:00+02:00")
    assert runner.clock.now.hour == 10
    for bad in ("tomorrow", datetime(2026, 6, 1), "2026-04-30"):
        with pytest.raises(InvalidInputError):
            await drain(until=bad)
    runner.clock.set("2026-01-01")
    runner.clock.advance(timedelta(hours=1))
    assert runner.clock.now.hour == 1


async def test_limits_hold_at_the_time_of_the_test(runner: AsyncRunner, drain: Drain) -> None:
    @agent("limited")
    async def limited(ctx: Context) -> None: ...

    await runner.client.create_agent(agent_type="limited", configuration={"rate": "2/m"})
    await runner.client.enqueue_many("limited", [{}] * 4)
    done = await drain(until=timedelta(hours=1))
    assert len(done) == 4
    assert seconds(done)[-1] >= 30
