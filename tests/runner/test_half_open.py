"""A runner whose connections stay open and never answer again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from oppspot_runner.base.events import LeaseLost, WakeChanged
from oppspot_runner.db.pool import Database
from tests.chaos.proxy import Proxy
from tests.runner.conftest import FAST, Bench


async def idle(ctx: Any) -> dict[str, Any]:
    return {}


@pytest.mark.slow
async def test_a_runner_that_nothing_answers_any_more_starts_over(bench: Bench) -> None:
    agent = await bench.agent(idle)
    async with Proxy(bench.db.dsn) as proxy:
        behind = Bench(Database(proxy.dsn), bench.registry)

        async def hears() -> bool:
            return bool(behind.happened(WakeChanged))

        async def lost() -> bool:
            return bool(behind.happened(LeaseLost))

        async with behind.running(replace(FAST, lease_s=2)):
            await behind.until(hears)
            proxy.half_open(1.0)
            await behind.until(lost)
            task = await bench.task(agent)
            (row,) = await bench.ended(task, within_s=30)
    assert row["status"] == "completed"
