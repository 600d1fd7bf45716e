"""Breakers under runners: shared by two of them, told of, and no hindrance to other agents."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from oppspot_runner.base.breaker import Breaker
from oppspot_runner.base.events import BreakerClosed, BreakerOpened
from tests.runner.conftest import FAST, Bench

SOON = '{"breaker": {"failures": 5, "open_s": 0.4}, "backoff": {"first": 0, "most": 0}}'


@pytest.mark.slow
async def test_two_runners_share_a_breaker_and_let_one_of_eight_try(bench: Bench) -> None:
    broken = True
    tries: list[Any] = []
    at_once: Counter[str] = Counter()

    async def call(ctx: Any) -> None:
        at_once["now"] += 1
        await asyncio.sleep(0.01)
        if len(bench.happened(BreakerOpened)) > 0 and broken:
            tries.append(at_once["now"])
        at_once["now"] -= 1
        if broken:
            raise ConnectionError("refused")

    async def other(ctx: Any) -> None:
        return

    agent = await bench.agent(call, configuration=SOON)
    well = await bench.agent(other)
    tasks = [await bench.task(agent, max_retries=100) for _ in range(8)]
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(bench.running(replace(FAST, slots=4)))

        async def reopened() -> bool:
            return len(bench.happened(BreakerOpened)) >= 3

        await bench.until(reopened)
        await bench.ended(*[await bench.task(well) for _ in range(5)])
        broken = False
        await bench.ended(*tasks)
    # The first opening may have met bodies that were running already; after it they are alone.
    assert tries[-2:] == [1, 1]
    assert len(bench.happened(BreakerClosed)) == 1
    assert await bench.db.fetch_all("SELECT FROM agent_breakers") == []


async def test_what_is_held_back_uses_no_retry_and_an_agent_may_have_no_breaker(
    bench: Bench,
) -> None:
    async def down(ctx: Any) -> None:
        raise ConnectionError("refused")

    bench.registry.register(down, "down", breaker=Breaker(failures=2, open_s=3600))
    agent = await bench.agent_row("down")
    held = [await bench.task(agent, max_retries=0) for _ in range(6)]
    free = await bench.agent_row("down", configuration='{"breaker": false}')
    async with bench.running(replace(FAST, slots=1)):
        await bench.ended(*[await bench.task(free, max_retries=0) for _ in range(4)])

        async def opened() -> bool:
            return len(bench.happened(BreakerOpened)) == 1

        await bench.until(opened)
        await bench.ended(*[await bench.task(free, max_retries=0) for _ in range(4)])
        rows = [await bench.row(task) for task in held]
    assert [row["status"] for row in rows] == ["failed"] * 2 + ["pending"] * 4
    assert {row["attempt"] for row in rows[2:]} == {0}
