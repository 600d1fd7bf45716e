"""The looks that a runner takes at every poll, without the rest of it."""

from __future__ import annotations

import asyncio

from oppspot_runner.base.events import EventBus
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.runner.maintenance import Maintenance
from oppspot_runner.runner.patience import Patience
from tests.runner.conftest import Bench


async def test_a_task_in_line_that_nobody_told_of_is_seen_at_the_poll(bench: Bench) -> None:
    await bench.task(await bench.agent_row("noop"))
    seen = asyncio.Event()
    maintenance = Maintenance(
        bench.db,
        Patience(EventBus()),
        EventBus(),
        config=RunnerConfig(poll_s=0.2),
        runner_id=1,
        on_work=seen.set,
        on_look=lambda _: None,
        adopts=lambda: (),
        adopt=lambda _: None,
    )
    async with asyncio.TaskGroup() as group:
        looks = group.create_task(maintenance.run())
        await asyncio.wait_for(seen.wait(), 15)
        looks.cancel()
