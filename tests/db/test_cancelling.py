"""Ends that are waited for whatever happens."""

from __future__ import annotations

import asyncio

import pytest

from oppspot_runner.db.cancelling import end_all, none_lost, to_the_end


async def test_work_goes_on_to_its_end_when_who_awaits_it_is_cancelled() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    steps: list[str] = []

    async def work() -> None:
        begun.set()
        await may_end.wait()
        steps.append("ended")

    async def awaiting() -> None:
        try:
            await to_the_end(work())
        finally:
            steps.append("cancelled afterwards")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(awaiting())
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        assert not steps
        may_end.set()
    assert task.cancelled()
    assert steps == ["ended", "cancelled afterwards"]


async def test_what_the_work_raises_is_raised() -> None:
    async def work() -> None:
        raise ValueError("of its own")

    with pytest.raises(ValueError, match="of its own"):
        await to_the_end(work())


async def test_a_task_that_lost_its_cancellation_is_cancelled_again() -> None:
    cancellations: list[int] = []

    async def deaf() -> None:
        while len(cancellations) < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancellations.append(1)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(deaf())
        await asyncio.sleep(0)
        await end_all([task])
    assert len(cancellations) == 2


async def test_a_cancellation_that_was_lost_is_raised_at_the_end() -> None:
    async def losing() -> None:
        with none_lost():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return

    async with asyncio.TaskGroup() as group:
        task = group.create_task(losing())
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()
