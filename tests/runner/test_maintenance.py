"""The looks that a runner takes at every poll, without the rest of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from oppspot_runner.base.events import EventBus
from oppspot_runner.db.pool import Connection
from oppspot_runner.queue import store
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.runner.maintenance import Maintenance
from oppspot_runner.runner.patience import Patience
from tests.runner.conftest import Bench


@asynccontextmanager
async def maintained(
    bench: Bench, *, poll_s: float, on_work: Callable[[], None] = lambda: None
) -> AsyncIterator[Maintenance]:
    """The duties of a runner that looks after all others and does nothing else."""
    maintenance = Maintenance(
        bench.db,
        Patience(EventBus()),
        EventBus(),
        config=RunnerConfig(poll_s=poll_s),
        runner_id=1,
        on_work=on_work,
        on_look=lambda _: None,
        adopts=lambda: (),
        adopt=lambda _: None,
    )
    async with asyncio.TaskGroup() as group:
        looks = group.create_task(maintenance.run())
        yield maintenance
        looks.cancel()


async def test_a_task_in_line_that_nobody_told_of_is_seen_at_the_poll(bench: Bench) -> None:
    await bench.task(await bench.agent_row("noop"))
    seen = asyncio.Event()
    async with maintained(bench, poll_s=0.2, on_work=seen.set):
        await asyncio.wait_for(seen.wait(), 15)


async def test_a_poll_that_was_asked_for_and_fails_is_taken_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls: asyncio.Queue[None] = asyncio.Queue()
    asked = asyncio.Event()

    async def fails_once(_: Connection) -> int:
        polls.put_nowait(None)
        if asked.is_set():
            asked.clear()
            raise psycopg.OperationalError("the connection is lost")
        return 0

    monkeypatch.setattr(store, "wake_waiting", fails_once)
    async with asyncio.timeout(15), maintained(bench, poll_s=600) as maintenance:
        await polls.get()
        asked.set()
        maintenance.poll()
        for _ in range(2):
            await polls.get()
