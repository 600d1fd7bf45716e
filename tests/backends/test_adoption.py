"""Attempts whose bodies run elsewhere outlive the runner that began them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from functools import partial
from uuid import UUID, uuid4

from oppspot_runner.app.wiring import build_runner
from oppspot_runner.backends import crossing
from oppspot_runner.backends.backend import BackendSurroundings, Briefing, Ended, Result
from oppspot_runner.base.events import RunnerStarted
from oppspot_runner.base.outcome import Done, Fail
from oppspot_runner.queue import handoffs, members
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.handoffs import Adopted
from oppspot_runner.runner.config import RunnerConfig
from tests.runner.conftest import FAST, Bench, bench, registry

__all__ = ["bench", "registry"]


class Rows:
    """A backend whose worker is the test: only the row counts."""

    def __init__(self, surroundings: BackendSurroundings) -> None:
        self.around = surroundings
        self.open: set[UUID] = set()

    async def start(self) -> None: ...

    def capacity(self) -> int | None:
        return None

    async def submit(self, handle: UUID, briefing: Briefing) -> None:
        self.open.add(handle)

    async def outcomes(self) -> AsyncIterator[Ended]:
        while True:
            await self.around.ended.wait()
            self.around.ended.clear()
            for one in await handoffs.read(self.around.database, self.open):
                if one.result is not None:
                    self.open.discard(one.handle)
                    yield Ended(one.handle, crossing.from_json(one.result))

    async def cancel(self, handle: UUID) -> None:
        self.open.discard(handle)

    async def adopt(self, handles: Collection[UUID]) -> frozenset[UUID]:
        self.open |= set(handles)
        self.around.ended.set()
        return frozenset(handles)

    async def stop(self) -> None: ...


async def served(bench: Bench, config: RunnerConfig, until: asyncio.Event) -> None:
    runner = build_runner(bench.db, config, registry=bench.registry, backends={"rows": Rows})
    async with asyncio.TaskGroup() as group:
        group.create_task(runner.run())
        await until.wait()
        runner.stop()


async def handed(bench: Bench) -> bool:
    return bool(await bench.db.fetch_all("SELECT FROM task_handoffs"))


async def test_the_next_runner_goes_on_with_a_body_that_runs_elsewhere(bench: Bench) -> None:
    async def far(ctx: object) -> None: ...

    agent = await bench.agent(far, configuration='{"isolation": "rows"}')
    task = await bench.task(agent)

    stop, end = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(served(bench, FAST, stop))
        await bench.until(partial(handed, bench))
        stop.set()
        await first
        token = (await bench.row(task))["run_token"]
        assert token is not None
        group.create_task(served(bench, FAST, end))
        row = await bench.db.fetch_one("SELECT handle FROM task_handoffs")
        assert row is not None
        taken = await handoffs.take(bench.db, row["handle"], "worker")
        assert taken is not None
        assert [one.run_token for one in taken.tasks] == [token]
        assert await handoffs.take(bench.db, row["handle"], "another") is None
        assert await handoffs.end(
            bench.db, row["handle"], crossing.to_json(Result(Done({"far": 1})))
        )
        (ended,) = await bench.ended(task)
        end.set()
    assert (ended["status"], ended["attempt"]) == ("completed", 1)
    assert (ended["crash_count"], ended["retry_count"]) == (0, 0)


async def test_what_a_batch_returns_goes_to_the_tasks_that_it_had_when_a_worker_came(
    bench: Bench,
) -> None:
    async def far(ctxs: list[object]) -> None: ...

    agent = await bench.agent(far, configuration='{"isolation": "rows"}', batch=3)
    tasks = [await bench.task(agent) for _ in range(3)]

    end = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(served(bench, FAST, end))
        await bench.until(partial(handed, bench))
        row = await bench.db.fetch_one("SELECT handle, task_id FROM task_handoffs")
        assert row is not None
        await bench.db.fetch_all("SELECT cancel_task(%s, 'not wanted')", (row["task_id"],))
        await bench.ended(row["task_id"])
        taken = await handoffs.take(bench.db, row["handle"], "worker")
        assert taken is not None
        each = tuple(Done({"of": str(one.id)}) for one in taken.tasks)
        assert len(each) == 2
        result = crossing.as_whole_batch(taken, Result(Done(), each=each), [{"n": 1}] * 2)
        assert await handoffs.end(bench.db, row["handle"], crossing.to_json(*result))
        await bench.ended(*tasks)
        end.set()
    for task in set(tasks) - {row["task_id"]}:
        (attempt,) = await bench.attempts(task)
        assert attempt["output_data"] == {"of": str(task)}
        assert attempt["metrics"]["n"] == 1


async def test_a_task_that_was_alone_in_its_batch_ends_as_its_body_says(bench: Bench) -> None:
    async def far(ctxs: list[object]) -> None: ...

    agent = await bench.agent(far, configuration='{"isolation": "rows"}', batch=3)
    task = await bench.task(agent)
    stop, end = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(served(bench, FAST, stop))
        await bench.until(partial(handed, bench))
        stop.set()
        await first
        group.create_task(served(bench, FAST, end))
        row = await bench.db.fetch_one("SELECT handle FROM task_handoffs")
        assert row is not None
        result = crossing.to_json(Result(Done(), each=(Fail("it broke"),)), [{"n": 1}])
        assert await handoffs.take(bench.db, row["handle"], "worker")
        assert await handoffs.end(bench.db, row["handle"], result)
        (ended,) = await bench.ended(task)
        end.set()
    (attempt,) = await bench.attempts(task)
    assert (ended["status"], ended["error_message"]) == ("failed", "it broke")
    assert attempt["metrics"]["n"] == 1


async def test_a_runner_that_is_to_stop_begins_nothing_that_it_adopted_meanwhile(
    bench: Bench,
) -> None:
    await bench.task(None)
    other = await members.register(bench.db, FAST.facts())
    async with bench.db.connection() as connection:
        (task,) = (await Claimer(other.id).claim(connection, 1)).tasks

    async def started() -> bool:
        return bool(bench.happened(RunnerStarted))

    async with bench.running() as runner:
        await bench.until(started)
        runner.stop()
        runner.adopt(Adopted(task, uuid4(), "rows", ran_s=0.0))
        assert not runner.attempts
