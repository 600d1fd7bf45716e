"""Attempts whose bodies run elsewhere outlive the runner that began them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from uuid import UUID

from oppspot_runner.app.wiring import build_runner
from oppspot_runner.backends.backend import BackendSurroundings, Briefing, Ended, Result
from oppspot_runner.base.outcome import Done
from oppspot_runner.queue import handoffs
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
                    yield Ended(one.handle, Result(Done(one.result)))

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


async def test_the_next_runner_goes_on_with_a_body_that_runs_elsewhere(bench: Bench) -> None:
    async def far(ctx: object) -> None: ...

    agent = await bench.agent(far, configuration='{"isolation": "rows"}')
    task = await bench.task(agent)

    async def handed() -> bool:
        return bool(await bench.db.fetch_all("SELECT FROM task_handoffs"))

    stop, end = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(served(bench, FAST, stop))
        await bench.until(handed)
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
        assert await handoffs.end(bench.db, row["handle"], {"far": 1})
        (ended,) = await bench.ended(task)
        end.set()
    assert (ended["status"], ended["attempt"]) == ("completed", 1)
    assert (ended["crash_count"], ended["retry_count"]) == (0, 0)
