"""An agent is told once that its time is nearly over, as asyncio cancels, but by another name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from oppspot_runner.agents.function import agent
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.work_time import SoftTimeLimitError, WorkTime, told_in_time
from oppspot_runner.base.errors import ConfigurationError

SOON_S = 0.05


async def within(body: Coroutine[Any, Any, Any], soft_s: float | None = SOON_S) -> Any:
    """Runs `body` in a task of its own, as a backend does."""
    async with asyncio.TaskGroup() as group:
        return await group.create_task(told(body, soft_s))


async def told(body: Coroutine[Any, Any, Any], soft_s: float | None) -> Any:
    return await told_in_time(body, WorkTime(soft_s, 60))


async def for_ever() -> None:
    await asyncio.Event().wait()


async def in_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(for_ever())


async def in_a_timeout() -> None:
    async with asyncio.timeout(30):
        await for_ever()


WAITS: list[Callable[[], Awaitable[Any]]] = [
    for_ever,
    in_a_group,
    in_a_timeout,
    lambda: asyncio.wait_for(for_ever(), 30),
    lambda: asyncio.gather(for_ever(), for_ever()),
    lambda: asyncio.shield(for_ever()),
]


@pytest.mark.parametrize("wait", WAITS)
async def test_it_is_told_where_it_waits_and_can_clean_up(
    wait: Callable[[], Awaitable[Any]],
) -> None:
    async def body() -> str:
        try:
            await wait()
        except SoftTimeLimitError as error:
            async with asyncio.timeout(30), asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(0.01))
            return str(error)
        return "was not told"

    assert await within(body()) == "the soft time limit of 0.05 s was exceeded"


async def test_it_is_told_once() -> None:
    async def body() -> int:
        times_told = 0
        until = time.monotonic() + SOON_S * 4
        while time.monotonic() < until:
            try:
                await asyncio.sleep(0.01)
            except SoftTimeLimitError:
                times_told += 1
        return times_told

    assert await within(body()) == 1


async def test_what_swallows_every_exception_does_not_swallow_it() -> None:
    async def body() -> str:
        try:
            while True:
                try:
                    await for_ever()
                except Exception:
                    continue
        except asyncio.CancelledError as error:
            return type(error).__name__

    assert await within(body()) == "SoftTimeLimitError"


async def test_another_cancellation_is_not_taken_for_it() -> None:
    seen: list[type[BaseException]] = []

    async def body() -> None:
        try:
            await for_ever()
        except asyncio.CancelledError as error:
            seen.append(type(error))
            raise

    task = asyncio.get_running_loop().create_task(told(body(), 60))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert seen == [asyncio.CancelledError]


async def test_a_body_without_a_limit_and_a_short_one_are_left_alone() -> None:
    async def body() -> str:
        await asyncio.sleep(SOON_S * 2)
        return "done"

    async def short() -> str:
        return "done"

    assert await within(body(), None) == "done"
    assert await within(short(), 0) == "done"


async def test_an_error_goes_through() -> None:
    async def body() -> None:
        await asyncio.sleep(0)
        raise ValueError("mine")

    with pytest.raises(ExceptionGroup) as caught:
        await within(body())
    assert caught.group_contains(ValueError, match="mine")


def test_time_left_falls_to_0_and_check_tells_once_then_ends() -> None:
    work_time = WorkTime(0.0, 10)
    assert work_time.left_s == 0
    with pytest.raises(SoftTimeLimitError):
        work_time.check()
    work_time.check()
    work_time.end()
    with pytest.raises(asyncio.CancelledError, match="the attempt is over"):
        work_time.check()
    assert 9 < WorkTime(None, 10).left_s <= 10


def test_25_minutes_unless_the_agent_has_a_time_limit_of_its_own() -> None:
    assert AgentOptions().soft_limit_s == 25 * 60
    assert AgentOptions(time_limit=timedelta(hours=2)).soft_limit_s is None
    assert AgentOptions(time_limit=timedelta(minutes=5)).soft_limit_s is None
    both = AgentOptions(time_limit=timedelta(minutes=5), soft_time_limit=timedelta(minutes=4))
    assert both.soft_limit_s == 240
    assert both.overridden({"soft_time_limit": 60}).soft_limit_s == 60


def test_a_soft_limit_that_is_not_below_the_hard_one_is_refused_with_both() -> None:
    with pytest.raises(ConfigurationError) as caught:
        agent("late", time_limit=timedelta(seconds=60), soft_time_limit=timedelta(seconds=60))
    assert (
        caught.value.one_line()
    ) == "@agent('late') cannot be used: soft_time_limit (60 s) must be below time_limit (60 s)"
    chosen = AgentOptions(time_limit=timedelta(seconds=90), soft_time_limit=timedelta(seconds=60))
    with pytest.raises(ConfigurationError, match="the agent's configuration cannot be used"):
        chosen.overridden({"time_limit": 30})
