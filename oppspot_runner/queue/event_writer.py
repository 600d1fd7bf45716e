"""Writes what attempts say of themselves into the events of their runs, in batches.

All attempts of a runner share one writer: what they say within a tenth of a second goes in one
statement. Every event is fenced by the token of its attempt. While the database is away events are
kept, as long as their attempts go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import psycopg

from oppspot_runner.base.jsonsafe import dumps
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import BAD_CONTENT, DATABASE_AWAY, Database

ADD = statement("run_events/add")
FATE = statement("run_events/fate")

WRITE_EVERY_S = 0.1
AWAY_S = 1.0
MOST_CHUNK = 32_768  # characters of output in one event
MOST_AT_ONCE = 262_144  # characters in one statement, and most that wait before who says more waits


@dataclass(frozen=True)
class Saying:
    """One event of an attempt. `text` is its data as JSON, of an output_chunk the bare text."""

    task_id: UUID
    run_token: int
    type: str
    text: str

    @property
    def data(self) -> str:
        """Its data as JSON."""
        return dumps({"chunk": self.text}) if self.type == "output_chunk" else self.text

    def with_more(self, other: Saying) -> Saying | None:
        """Both as one, where `other` goes on with the same text."""
        goes_on = self.type == other.type == "output_chunk" and self.run_token == other.run_token
        if not goes_on or len(self.text) + len(other.text) > MOST_CHUNK:
            return None
        return Saying(self.task_id, self.run_token, self.type, self.text + other.text)

    def refused(self, error: Exception) -> Saying | None:
        """What is written instead of an event that Postgres does not take; None: nothing."""
        if self.type == "log":
            return None
        reason = " ".join(str(error).split())[:200].encode("ascii", "replace").decode()
        message = f"an event of type {self.type} could not be stored: {reason}"
        text = dumps({"level": "warning", "message": message})
        return Saying(self.task_id, self.run_token, "log", text)


class EventWriter:
    """The events of all attempts of a runner that are still to be written, in their order."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.lost: set[int] = set()  # tokens of attempts whose task is no longer theirs
        self._open: set[int] = set()
        self._waiting: list[Saying] = []
        self._size = 0  # characters in it
        self._in_flight: list[Saying] = []
        self._flushes: list[asyncio.Future[None]] = []
        self._hurry = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._doubtful: str | None = None  # the transaction of what is in flight, if it was sent

    @property
    def is_full(self) -> bool:
        """Whether so much waits that whoever says more should wait."""
        return self._size >= MOST_AT_ONCE

    async def put(self, saying: Saying) -> None:
        """Takes an event; waits while too many wait already."""
        self.put_now(saying)
        if self.is_full:
            await self.flush(saying.run_token)

    def put_now(self, saying: Saying) -> None:
        """Takes an event, which will be written within a tenth of a second."""
        self._open.add(saying.run_token)
        more = self._waiting[-1].with_more(saying) if self._waiting else None
        if more is not None:
            self._waiting[-1] = more
        else:
            self._waiting.append(saying)
        self._size += len(saying.text)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def flush(self, run_token: int) -> None:
        """Returns when all is written that this attempt has said; at once if it is.

        Raises what Postgres has against the whole of it, such as a missing right.
        """
        if any(one.run_token == run_token for one in (*self._in_flight, *self._waiting)):
            written = asyncio.get_running_loop().create_future()
            self._flushes.append(written)
            self._hurry.set()
            await written

    def forget(self, run_token: int) -> None:
        """The attempt has ended: what it still had to say is dropped."""
        self._open.discard(run_token)
        self.lost.discard(run_token)
        self._waiting = self._of_open(self._waiting)

    def _of_open(self, sayings: Sequence[Saying]) -> list[Saying]:
        return [one for one in sayings if one.run_token in self._open]

    async def _write(self) -> None:
        flushes: list[asyncio.Future[None]] = []
        try:
            while self._waiting or self._flushes:  # one may have come while the last was written
                with suppress(TimeoutError):
                    async with asyncio.timeout(WRITE_EVERY_S):
                        await self._hurry.wait()
                self._hurry.clear()
                flushes, self._flushes = self._flushes, []
                await self._write_all()
                answer(flushes)
        except Exception as error:  # noqa: BLE001 - those who wait for it are told
            self._waiting, self._in_flight, self._size = [], [], 0
            answer([*flushes, *self._flushes], error)
            self._flushes = []

    async def _write_all(self) -> None:
        left, self._waiting, self._size = self._waiting, [], 0
        while left:
            size = batch_size(left)
            self._in_flight, left = left[:size], left[size:]
            await self._write_some(self._in_flight)
        self._in_flight = []

    async def _write_some(self, some: Sequence[Saying]) -> None:
        """Writes some events, whatever it takes, as long as their attempts go on."""
        while some := self._of_open(some):
            try:
                await self._write_once(some)
                return
            except DATABASE_AWAY:
                await asyncio.sleep(AWAY_S)
            except BAD_CONTENT as error:
                await self._write_apart(some, error)
                return

    async def _write_apart(self, some: Sequence[Saying], error: Exception) -> None:
        if len(some) > 1:
            middle = len(some) // 2
            await self._write_some(some[:middle])
            await self._write_some(some[middle:])
        elif (instead := some[0].refused(error)) is not None:
            await self._write_some([instead])

    async def _write_once(self, some: Sequence[Saying]) -> None:
        if self._doubtful is not None and await self._was_committed(self._doubtful):
            return
        self._doubtful = None
        async with self.database.transaction() as connection:
            row = await (await connection.execute(ADD, _columns(some))).fetchone()
            assert row is not None
            self._doubtful = row["transaction"]
        self._doubtful = None
        self.lost |= self._open & {one.run_token for one in some}.difference(row["tokens"])

    async def _was_committed(self, transaction: str) -> bool:
        """What became of it; raises as if the database were away while that is not known."""
        row = await self.database.fetch_one(FATE, {"transaction": transaction})
        fate = row["fate"] if row else None
        if fate == "in progress":
            raise psycopg.OperationalError("the transaction has not ended yet")
        self._doubtful = None
        return fate != "aborted"


def batch_size(waiting: Sequence[Saying]) -> int:
    """How many of those that wait go into one statement; at least one."""
    left = MOST_AT_ONCE
    for number, one in enumerate(waiting):
        left -= len(one.text)
        if left < 0:
            return max(number, 1)
    return len(waiting)


def answer(waiting: Sequence[asyncio.Future[None]], error: Exception | None = None) -> None:
    """Tells those who wait for a flush what became of it."""
    for one in waiting:
        if one.done():
            continue
        if error is None:
            one.set_result(None)
        else:
            one.set_exception(error)


def _columns(some: Sequence[Saying]) -> dict[str, list[object]]:
    return {
        "task_ids": [one.task_id for one in some],
        "tokens": [one.run_token for one in some],
        "types": [one.type for one in some],
        "data": [one.data for one in some],
    }
