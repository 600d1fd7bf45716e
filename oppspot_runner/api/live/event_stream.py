"""Server-sent events: a frame for each, and the answer that they go through."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from oppspot_runner.api.live.streams import Line, Streams
from oppspot_runner.base.actor import Actor

AGAIN_MS = (1000, 3000)  # when clients come back that were cut off: not all at once
IN_A_ROW, BYTES_IN_A_ROW = 16, 64 * 1024  # that are sent without a pause: about a millisecond
Frames = AsyncGenerator[bytes, None]


def frame(data: str, *, id_: str, event: str | None = None) -> bytes:
    """One event as it goes over the wire; `data` is JSON in one line."""
    named = f"event: {event}\n" if event else ""
    return f"id: {id_}\n{named}data: {data}\n\n".encode()


class EventStream(StreamingResponse):
    """An answer that goes on until `frames` end, its client leaves, or `streams` end it."""

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, actor: Actor, frames: Frames) -> None:
        # nginx would gather what it is to hand on at once.
        super().__init__(frames, headers={"X-Accel-Buffering": "no"})
        self.streams = streams
        self.actor = actor
        self.frames = frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream, to its end."""
        begin = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        async with aclosing(self.frames):
            if scope["state"].get("is_head"):
                await send(begin)
            else:
                line = Line(self.actor, send)
                async with self.streams.keep(line):
                    await send(begin)
                    await self._attended(line, receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _attended(self, line: Line, receive: Receive) -> None:
        left = asyncio.get_running_loop().create_task(_left(receive, line))
        try:
            await self._pass_on(line)
        finally:
            left.cancel()

    async def _pass_on(self, line: Line) -> None:
        try:
            async with line.limit:
                line.is_limited = True
                again_ms = random.randint(*AGAIN_MS)  # noqa: S311 - spreads load, hides nothing
                await line.send(f"retry: {again_ms}\n\n".encode())
                sent = sent_bytes = 0
                async for one in self.frames:
                    await line.send(one)
                    sent, sent_bytes = sent + 1, sent_bytes + len(one)
                    if sent == IN_A_ROW or sent_bytes >= BYTES_IN_A_ROW:
                        sent = sent_bytes = 0
                        await asyncio.sleep(0)  # a page of events is no reason to stop others
        except TimeoutError:
            if not line.limit.expired():
                raise


async def _left(receive: Receive, line: Line) -> None:
    with suppress(HTTPException):  # more of a body than is taken, which no follower has to send
        while (await receive())["type"] != "http.disconnect":
            pass
    line.end()
