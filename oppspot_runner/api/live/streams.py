"""All streams of events that a process has open: kept alive, ended when they have to be."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from starlette.types import Send

from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.base.actor import Actor
from oppspot_runner.db.cancelling import end_all
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import DATABASE_AWAY, Database

GOOD_TOKENS = statement("access/good_tokens")

LOOK_S = 1.0
SILENCE_S = 15.0  # then a comment is sent: proxies cut what is silent for longer
CHECK_S = 3.0  # between two looks whether tokens are still good
STILL_THERE = b": still there\n\n"


@dataclass(eq=False)
class Line:
    """One open stream. `limit` is when it ends; none until somebody wants that."""

    actor: Actor
    raw_send: Send
    limit: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))
    sent_at: float = field(default_factory=time.monotonic)
    is_limited: bool = False  # whether its sender minds the limit already: then it can be moved
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _filler: asyncio.Task[None] | None = None

    async def send(self, data: bytes) -> None:
        """Sends a part; waits where the client takes nothing."""
        async with self._turn:
            await self.raw_send({"type": "http.response.body", "body": data, "more_body": True})
            self.sent_at = time.monotonic()

    def fill(self) -> None:
        """Sends a comment if nothing was sent for long, and nothing waits to be taken."""
        if time.monotonic() - self.sent_at >= SILENCE_S and not self._turn.locked():
            self._filler = asyncio.get_running_loop().create_task(self.send(STILL_THERE))

    def end(self) -> None:
        """Ends the stream, soon and in good order."""
        if not self.is_limited:  # its client does not take the beginning yet
            self.limit = asyncio.timeout(0)
        elif self.limit.when() is None:
            self.limit.reschedule(asyncio.get_running_loop().time())

    async def close(self) -> None:
        """Nothing of ours is sent any more."""
        if self._filler is not None:
            await end_all({self._filler})


class Streams:
    """Those of one process. Each actor may have `most` of them."""

    def __init__(self, database: Database, closing: asyncio.Event, most: int) -> None:
        self.database = database
        self.closing = closing
        self.most = most
        self._lines: set[Line] = set()
        self._attending: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._lines)

    def admit(self, actor: Actor) -> None:
        """Raises ApiError when this actor may open no more, or when the process ends."""
        if self.closing.is_set():
            raise ApiError(ApiCode.SHUTTING_DOWN, "this process ends", headers={"Retry-After": "1"})
        if Counter(_owner(line.actor) for line in self._lines)[_owner(actor)] >= self.most:
            raise ApiError(
                ApiCode.RATE_LIMIT_EXCEEDED,
                f"{self.most} streams are open already, the limit of OPPSPOT_HTTP_STREAMS",
                headers={"Retry-After": "10"},
            )

    @asynccontextmanager
    async def keep(self, line: Line) -> AsyncIterator[None]:
        """Attends to this stream meanwhile. Raises ApiError as `admit` does."""
        self.admit(line.actor)  # again: others were opened since this one was let in
        self._lines.add(line)
        if self._attending is None:
            self._attending = asyncio.get_running_loop().create_task(self._attend())
        try:
            yield
        finally:
            self._lines.discard(line)
            await line.close()
            if not self._lines and self._attending is not None:
                attending, self._attending = self._attending, None
                await end_all({attending})

    async def _attend(self) -> None:
        checked_at = time.monotonic()
        while not self.closing.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self.closing.wait()
            if time.monotonic() - checked_at >= CHECK_S:
                await self._check()
                checked_at = time.monotonic()
            for line in self._lines:
                line.fill()
        for line in self._lines:
            line.end()

    async def _check(self) -> None:
        ids = {line.actor.token_id for line in self._lines} - {None}
        if not ids:
            return
        with suppress(*DATABASE_AWAY):  # then nobody can be asked; the next look tells
            rows = await self.database.fetch_all(GOOD_TOKENS, {"ids": list(ids)})
            good = {row["id"] for row in rows}
            for line in self._lines:
                if line.actor.token_id in ids - good:
                    line.end()


def _owner(actor: Actor) -> str:
    return str(actor.token_id or actor.name)
