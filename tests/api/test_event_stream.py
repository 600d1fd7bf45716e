"""How one stream of events is sent, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from oppspot_runner.api.live.event_stream import BYTES_IN_A_ROW, IN_A_ROW, EventStream
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.actor import LOCAL


@pytest.mark.parametrize(
    ("size", "in_a_row"), [(1, IN_A_ROW), (BYTES_IN_A_ROW // 2, 2), (BYTES_IN_A_ROW * 2, 1)]
)
async def test_others_have_a_turn_between_many_or_large_events(
    state: ApiState, size: int, in_a_row: int
) -> None:
    turn, turns = 0, []

    async def others() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async def frames() -> AsyncGenerator[bytes, None]:
        for _ in range(3 * in_a_row):
            turns.append(turn)
            yield b"x" * size

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(_: Message) -> None:
        """Takes all at once, as a client that reads."""

    async with asyncio.TaskGroup() as group:
        beside = group.create_task(others())
        await EventStream(state.streams, LOCAL, frames())({"state": {}}, receive, send)
        beside.cancel()
    assert [turns.count(one) for one in dict.fromkeys(turns)] == [in_a_row] * 3
