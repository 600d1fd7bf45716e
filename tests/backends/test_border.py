"""Frames between the runner and a child: whole, or refused with the reason."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from oppspot_runner.backends import border
from oppspot_runner.backends.border import Answer, BorderError, Channel, framed
from oppspot_runner.backends.processes import portable
from oppspot_runner.base.errors import CycleError, Fail, Snooze
from tests.backends.sample_agents import Bomb

Ends = tuple[Channel, Channel]


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    pair = [Channel(*await asyncio.open_connection(sock=one)) for one in socket.socketpair()]
    yield pair[0], pair[1]
    for one in pair:
        one.writer.close()


async def test_a_message_larger_than_every_buffer_arrives_whole(ends: Ends) -> None:
    message = Answer(7, "x" * 5_000_000)
    async with asyncio.TaskGroup() as group:
        group.create_task(ends[0].send(framed(message)))
        assert await ends[1].receive() == message


async def test_messages_of_many_senders_do_not_mix(ends: Ends) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(ends[0].send(framed(Answer(number, str(number) * 100_000))))
        got = [await ends[1].receive() for _ in range(20)]
    assert sorted(one.number for one in got) == list(range(20))
    assert all(one.value == str(one.number) * 100_000 for one in got)


@pytest.mark.parametrize("part", [b"", b"\0\0\0", framed("cut off")[:-1]])
async def test_an_end_in_the_middle_of_a_frame_is_an_end(ends: Ends, part: bytes) -> None:
    ends[0].writer.write(part)
    ends[0].writer.close()
    with pytest.raises(EOFError):
        await ends[1].receive()


@pytest.mark.parametrize(
    ("value", "told"),
    [(threading.Lock(), "it cannot be pickled: "), (b"x" * 2000, "2,0.. bytes are too large")],
)
def test_what_cannot_cross_is_refused_where_it_is_sent(
    monkeypatch: pytest.MonkeyPatch, value: Any, told: str
) -> None:
    monkeypatch.setattr(border, "MOST_BYTES", 1000)
    with pytest.raises(BorderError, match=told):
        framed(value)


async def test_what_cannot_be_read_is_refused_where_it_arrives(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ends[0].send(framed(Bomb()))
    with pytest.raises(BorderError, match="ValueError: not here"):
        await ends[1].receive()
    await ends[0].send(framed("x" * 2000))
    monkeypatch.setattr(border, "MOST_BYTES", 1000)
    with pytest.raises(BorderError, match="too large"):
        await ends[1].receive()


def test_our_errors_cross_as_they_are_others_as_their_words() -> None:
    fine = Fail("no address")
    assert portable(fine) is fine
    assert isinstance(portable(CycleError(["a", "b", "a"])), CycleError)
    changed = portable(Snooze(after=3))  # cannot be made again of its message alone
    assert isinstance(changed, RuntimeError)
    assert "the agent asked to be snoozed" in str(changed)
    assert str(portable(ZeroDivisionError("by 0"))) == "ZeroDivisionError: by 0"
