"""Several runners on one database: every task once, effects exactly once, the dead replaced."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.result_mapper import ResultMapper
from oppspot_runner.app import wiring
from oppspot_runner.base.errors import LeaseLostError
from oppspot_runner.base.events import EventBus, LeaseLost, ResultDropped, TaskFinished
from oppspot_runner.base.task import Task
from oppspot_runner.queue.claiming import Claimed
from oppspot_runner.queue.settlement import Settlement
from oppspot_runner.runner.loop import Runner
from oppspot_runner.runner.patience import Patience
from oppspot_runner.runner.settler import Settler
from tests.runner.conftest import FAST, Bench

TASKS = 1000


class Effect(ResultMapper):
    """Writes a row in the finishing transaction; refuses what it is told to refuse."""

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        await tx.execute(
            "INSERT INTO effects (task_id, attempt) VALUES (%s, %s)", (ctx.task.id, ctx.attempt)
        )
        if results.get("refuse") == ctx.attempt:
            return False
        if results.get("break") == ctx.attempt:
            await tx.execute("SELECT 1 / 0")
        return True


def saving_agent(work_s: float = 0.01) -> type[Agent]:
    class Saving(Agent):
        mapper = Effect()

        async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
            await asyncio.sleep(work_s)
            return state

    return Saving


@pytest.fixture
async def saving(bench: Bench) -> UUID:
    bench.registry.register(saving_agent(), "saving")
    await bench.db.execute("CREATE TABLE effects (task_id uuid, attempt integer)")
    return await bench.agent_row("saving")


async def effects(bench: Bench) -> Counter[UUID]:
    rows = await bench.db.fetch_all("SELECT task_id FROM effects")
    return Counter(row["task_id"] for row in rows)


@pytest.mark.slow
async def test_three_runners_share_1000_tasks_and_each_effect_is_there_once(
    bench: Bench, saving: UUID
) -> None:
    await bench.db.execute(
        "INSERT INTO agent_tasks (agent_id) SELECT %s FROM generate_series(1, %s)", (saving, TASKS)
    )

    async def none_left() -> bool:
        row = await bench.db.fetch_one(
            "SELECT count(*) AS n FROM agent_tasks WHERE status <> 'completed'"
        )
        return row == {"n": 0}

    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(bench.running())
        await bench.until(none_left, within_s=40)
    counted = await effects(bench)
    assert len(counted) == TASKS
    assert set(counted.values()) == {1}
    shares = await bench.db.fetch_all(
        "SELECT runner_id, count(*) AS n FROM agent_executions GROUP BY runner_id"
    )
    assert len(shares) == 3
    assert min(row["n"] for row in shares) >= 100


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["refuse", "break"])
async def test_a_save_that_fails_leaves_nothing_and_is_an_error_of_the_attempt(
    bench: Bench, saving: UUID, fault: str
) -> None:
    async with bench.running():
        task = await bench.task(saving, payload=f'{{"{fault}": 1}}')
        (row,) = await bench.ended(task)
    assert (row["status"], row["retry_count"], row["attempt"]) == ("completed", 1, 2)
    rows = await bench.db.fetch_all("SELECT attempt FROM effects")
    assert [one["attempt"] for one in rows] == [2]


async def test_a_lost_attempt_saves_nothing(bench: Bench) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    class Slow(saving_agent()):  # type: ignore[misc]
        async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
            if self.ctx.attempt == 1:
                started.set()
                await go_on.wait()
            return state

    bench.registry.register(Slow, "slow")
    await bench.db.execute("CREATE TABLE effects (task_id uuid, attempt integer)")
    agent = await bench.agent_row("slow")
    async with bench.running():
        task = await bench.task(agent)
        await asyncio.wait_for(started.wait(), 10)
        await bench.db.execute("UPDATE agent_tasks SET status = 'pending' WHERE id = %s", (task,))
        await bench.ended(task)
        go_on.set()

        async def dropped() -> bool:
            return bool(bench.happened(ResultDropped))

        await bench.until(dropped)
    rows = await bench.db.fetch_all("SELECT attempt FROM effects")
    assert [one["attempt"] for one in rows] == [2]


async def test_an_end_that_was_written_is_told_though_a_heartbeat_sees_it_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Settler):
        async def settle_alone(self, task: Task, save: Any, end: Any, tell: Any) -> None:
            heard: list[bool] = []
            await super().settle_alone(task, save, end, heard.append)
            row = "SELECT beat_at FROM task_runners"
            before = await bench.db.fetch_one(row)

            async def beaten_twice() -> bool:
                now = await bench.db.fetch_one(row)
                assert now is not None
                assert before is not None
                return now["beat_at"] > before["beat_at"] + timedelta(seconds=0.5)

            await bench.until(beaten_twice)
            tell(*heard)

    monkeypatch.setattr(wiring, "Settler", Slow)
    bench.registry.register(saving_agent(), "saving")
    await bench.db.execute("CREATE TABLE effects (task_id uuid, attempt integer)")
    agent = await bench.agent_row("saving")
    async with bench.running(replace(FAST, lease_s=2)):
        await bench.task(agent)

        async def told() -> bool:
            return bool(bench.happened(TaskFinished) or bench.happened(ResultDropped))

        await bench.until(told)
    assert [event.status for event in bench.happened(TaskFinished)] == ["completed"]
    assert not bench.happened(ResultDropped)


@pytest.mark.parametrize("fault", [RuntimeError("it broke"), asyncio.CancelledError()])
async def test_an_end_that_was_written_is_told_though_what_follows_fails_or_is_cut_off(
    bench: Bench, saving: UUID, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    followed = asyncio.Event()

    async def broken(self: Settler, written: Any) -> None:
        followed.set()
        raise fault

    monkeypatch.setattr(Settler, "_follow_up", broken)
    async with bench.running():
        (row,) = await bench.ended(await bench.task(saving))
        await asyncio.wait_for(followed.wait(), 10)

        async def told() -> bool:
            return bool(bench.happened(TaskFinished) or bench.happened(ResultDropped))

        await bench.until(told)
    assert row["status"] == "completed"
    assert [event.status for event in bench.happened(TaskFinished)] == ["completed"]
    assert not bench.happened(ResultDropped)


async def test_a_runner_that_was_taken_for_dead_cancels_its_work_and_starts_over(
    bench: Bench,
) -> None:
    started = asyncio.Event()

    async def long(ctx: Context) -> dict[str, Any]:
        if ctx.attempt == 1:
            started.set()
            await asyncio.Event().wait()
        return {}

    agent = await bench.agent(long)
    async with bench.running(replace(FAST, lease_s=2, poll_s=0.2)) as runner:
        task = await bench.task(agent)
        await asyncio.wait_for(started.wait(), 10)
        first = member_of(runner)
        await bench.db.execute("UPDATE task_runners SET lease_until = now() - interval '1 s'")
        (row,) = await bench.ended(task)
        assert member_of(runner) != first
    assert (row["status"], row["crash_count"], row["retry_count"]) == ("completed", 1, 0)
    assert bench.happened(LeaseLost)


async def test_a_cancellation_that_gets_lost_does_not_hold_a_runner_in_a_term_that_is_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    claiming = asyncio.Event()
    claim = Runner._claim

    async def deaf(runner: Runner, limit: int) -> Claimed:
        if not claiming.is_set():
            claiming.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return Claimed([])
        return await claim(runner, limit)

    async def quick(ctx: Context) -> dict[str, Any]:
        return {}

    monkeypatch.setattr(Runner, "_claim", deaf)
    agent = await bench.agent(quick)
    async with bench.running(replace(FAST, lease_s=2, poll_s=0.2)) as runner:
        await asyncio.wait_for(claiming.wait(), 10)
        first = member_of(runner)
        await bench.db.execute("UPDATE task_runners SET lease_until = now() - interval '1 s'")
        await bench.ended(await bench.task(agent))
        assert member_of(runner) != first


async def test_an_attempt_that_is_lost_before_its_first_step_keeps_no_slot(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_all, lost = Runner._begin_all, [LeaseLostError("at this very moment")]

    async def interrupted(runner: Runner, tasks: list[Task]) -> None:
        await begin_all(runner, tasks)
        if tasks and lost:
            raise lost.pop()

    async def quick(ctx: Context) -> dict[str, Any]:
        return {}

    monkeypatch.setattr(Runner, "_begin_all", interrupted)
    agent = await bench.agent(quick)
    async with bench.running(replace(FAST, slots=1, poll_s=0.2)):
        (row,) = await bench.ended(await bench.task(agent))
    assert not lost
    assert row["status"] == "completed"


async def test_who_waits_for_his_end_to_be_written_is_told_when_nobody_writes_any_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, end = asyncio.Event(), cast(Settlement, SimpleNamespace(output=None))
    settler = Settler(bench.db, Patience(EventBus()), runner_id=1)

    async def never(batch: Any) -> None:
        writing.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(settler, "_flush", never)
    told: list[tuple[str, bool]] = []
    settler.settle(end, lambda written: told.append(("being written", written)))
    async with asyncio.TaskGroup() as group:
        service = group.create_task(settler.run())
        await asyncio.wait_for(writing.wait(), 10)
        settler.settle(end, lambda written: told.append(("waiting", written)))
        service.cancel()
    settler.settle(end, lambda written: told.append(("too late", written)))
    assert told == [("being written", False), ("waiting", False), ("too late", False)]


def member_of(runner: Runner) -> int:
    assert runner.term is not None
    return runner.term.member.id
