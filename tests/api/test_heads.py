"""What comes before anybody is asked for a token takes neither memory nor connections for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.heads import MOST_HEAD_BYTES, BoundedHeads
from oppspot_runner.api.listening import listen
from oppspot_runner.api.serving import serving
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database

CHUNKED = b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
async def port(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Where an impatient server listens."""
    monkeypatch.setattr(BoundedHeads, "head_s", 0.2)
    state = ApiState(db, Settings(_env_file=None), registry, open_access=True)
    listening = listen("0")
    number: int = listening.getsockname()[1]
    async with serving(state, listening):
        yield number


@pytest.mark.slow
async def test_heads_that_are_too_large_or_too_slow_end_their_connection(port: int) -> None:
    async with asyncio.timeout(20):
        for begin in (b"GET /", HEAD + b"X: ", CHUNKED + b"0\r\nX: ", CHUNKED + b"1;x="):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begin)
            with suppress(ConnectionError):  # where it sends more after the answer
                for _ in range(10):
                    writer.write(b"y" * MOST_HEAD_BYTES)
                    await writer.drain()
                assert b"too large" in await reader.read()
            writer.close()
        for begin in (b"", HEAD):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begin)
            assert await reader.read() == b""
            writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(HEAD + b"X: " + b"y" * 60_000 + b"\r\n\r\n")
            assert b"200" in await reader.readuntil(b'{"status":"ok"}')
        body = b"x" * 1_000_000
        told = (
            f"POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(told.encode() + body)
        assert b"415" in await reader.readuntil(b"}")
        writer.close()


async def keep_sending(writer: asyncio.StreamWriter, more: bytes) -> None:
    while True:
        writer.write(more)
        await asyncio.sleep(0.02)


async def test_what_comes_after_the_answer_keeps_no_connection_open(port: int) -> None:
    endless = b"POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n"
    async with asyncio.timeout(20):
        for asked, answered, more in (
            (endless, b"BODY_TOO_LARGE", b"x"),
            (HEAD + b"\r\n", b'"ok"', b"\r\n"),
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(asked)
            assert answered in await reader.readuntil(b"}")
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(keep_sending(writer, more))
                with suppress(ConnectionError):  # where it is cut off amid what is sent
                    await reader.read()
                sending.cancel()
            writer.close()
