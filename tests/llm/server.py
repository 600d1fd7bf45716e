"""The contract server: three providers of models on 127.0.0.1, which answer from a script.

It speaks HTTP/1.1 with one request per connection. It takes only requests that have the form of the
provider, and keeps what it understood of them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from tests.llm.scripted import Answer, Asked, Fault, Raw, Silence, Turn, Wire
from tests.llm.wire_anthropic import Anthropic
from tests.llm.wire_gemini import Gemini
from tests.llm.wire_openai import OpenAI

WIRES: tuple[Wire, ...] = (Anthropic(), OpenAI(), Gemini())
FIRST_WORDS = 3  # events after which a stream breaks off that has to
SSE = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}


class ContractServer:
    """One provider. `script` is what it answers next; `asked` is what came in."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.script: list[Turn] = []
        self.asked: list[Asked] = []
        self.faults: list[str] = []
        self.gone = asyncio.Event()  # a client left before the end of an answer

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}{self.wire.base_path}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path, headers, body = await _request(reader)
            await self._answer(path, headers, body, reader, writer)
        except ConnectionError:
            self.gone.set()
        finally:
            writer.close()

    async def _answer(
        self,
        path: str,
        headers: dict[str, str],
        body: dict[str, Any],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        try:
            asked = self.wire.understand(path, headers, body)
        except (AssertionError, KeyError, TypeError) as error:
            self.faults.append(f"{type(error).__name__}: {error} {json.dumps(body)[:2000]}")
            await _send(writer, 418, b"{}", {})
            return
        self.asked.append(asked)
        turn = self.script.pop(0)
        if isinstance(turn, Silence) and not asked.stream:
            await self._until_gone(reader)
        elif isinstance(turn, Raw):
            await _send(writer, turn.status, turn.body, turn.headers)
        elif isinstance(turn, Fault) and not turn.in_stream:
            status, told = self.wire.fault(turn.kind)
            wait = {"retry-after": turn.retry_after} if turn.retry_after else {}
            await _send(writer, status, json.dumps(told).encode(), wait)
        elif asked.stream:
            await self._stream(turn, asked, reader, writer)
        else:
            assert isinstance(turn, Answer)
            whole = self.wire.answer(turn, asked.model)
            await _send(writer, 200, json.dumps(whole).encode(), {})

    async def _stream(
        self, turn: Turn, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        answer = turn if isinstance(turn, Answer) else Answer(text="a few words come first")
        whole = isinstance(turn, Answer) and turn.cut is None
        writer.write(_head(200, SSE))
        for number, event in enumerate(self.wire.events(answer, asked.model)):
            if number == FIRST_WORDS and not whole:
                break
            writer.write(_chunk(event))
            await writer.drain()
        if isinstance(turn, Fault):
            writer.write(_chunk(self.wire.fault_in_stream(turn.kind)))
        if isinstance(turn, Silence):
            await self._until_gone(reader)
        elif not (isinstance(turn, Answer) and turn.cut == "hard"):
            writer.write(b"0\r\n\r\n")

    async def _until_gone(self, reader: asyncio.StreamReader) -> None:
        await reader.read()
        self.gone.set()


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], dict[str, Any]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    assert method == "POST", first
    headers = {name.lower(): value.strip() for name, _, value in _parted(lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return path, headers, json.loads(body)


def _parted(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    return (line.partition(":") for line in lines)


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} As Scripted", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def _send(
    writer: asyncio.StreamWriter, status: int, body: bytes, headers: dict[str, str]
) -> None:
    kept = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    writer.write(_head(status, kept) + body)
    await writer.drain()
