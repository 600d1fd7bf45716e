"""Backends whose bodies run elsewhere, as far as it does not matter who carries the messages.

The row in task_handoffs is what counts. A message only has a worker look at it, so one that is lost
is sent again, and one that comes twice finds the body begun.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from oppspot_runner.backends import crossing
from oppspot_runner.backends.backend import BackendSurroundings, Briefing, Ended, Result
from oppspot_runner.base.errors import ConflictError, OppspotError
from oppspot_runner.base.outcome import Retry
from oppspot_runner.db.pool import DATABASE_AWAY
from oppspot_runner.queue import handoffs

LOOK_S = 1.0
AGAIN_S = 20.0  # a worker has not begun: its message may be lost, or wait behind others
MOST_AGAIN_S = 600.0
LOST = "WorkerLost"  # the kind of the error of an attempt
AWAY_S = 2.0  # after a message that nobody took


class CarrierError(OppspotError):
    """A message that nobody took; it is sent again."""


@dataclass
class Sent:
    """A body that waits for its end. `at`: when its message is sent again, unless it begins."""

    limit_s: float
    at: float = 0.0
    pause_s: float = AGAIN_S


class Carried(ABC):
    """Has bodies run by workers that `send` reaches."""

    def __init__(self, surroundings: BackendSurroundings) -> None:
        self._database = surroundings.database
        self._lost_s = surroundings.settings.worker_lost
        self._woken = surroundings.ended
        self._open: dict[UUID, Sent] = {}
        self._is_stopped = False
        self._answers_since = time.monotonic()  # the database
        self._sends_from = float("-inf")  # until then nobody would take a message

    @abstractmethod
    async def send(self, handle: UUID, limit_s: float) -> None:
        """Has a worker take that body, which may run for `limit_s`. Raises CarrierError."""

    @abstractmethod
    async def recall(self, handle: UUID) -> None:
        """Has the worker of a body look at once whether it is wanted. Raises CarrierError."""

    async def start(self) -> None:
        """Nothing is to be done before the first body."""
        return

    def capacity(self) -> int | None:
        """How many more it takes: as many as are submitted."""
        return None

    async def submit(self, handle: UUID, briefing: Briefing) -> None:
        """Sends a body whose row is written. A carrier that is away is waited for.

        Raises ConflictError after `stop`.
        """
        if self._is_stopped:
            raise ConflictError("the backend has stopped: it takes no more bodies")
        sent = self._open[handle] = Sent(briefing.options.time_limit.total_seconds())
        await self._send(handle, sent)
        self._woken.set()

    async def outcomes(self) -> AsyncIterator[Ended]:
        """Ends of bodies as they come, looked for each second and whenever one is told of."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S if self._open else None):
                    await self._woken.wait()
            self._woken.clear()
            for ended in await self._look():
                yield ended

    async def cancel(self, handle: UUID) -> None:
        """Ends a body whose row is gone: at once where the message gets through, else soon."""
        self._open.pop(handle, None)
        try:
            await self.recall(handle)
        except CarrierError as error:
            self._note_away(error)

    async def adopt(self, handles: Collection[UUID]) -> frozenset[UUID]:
        """Waits for bodies that another runner submitted; those that can be waited for."""
        found = await handoffs.read(self._database, handles)
        now = time.monotonic()
        for one in found:
            self._open[one.handle] = Sent(one.ticket["time_limit_s"], now + AGAIN_S)
        self._woken.set()
        return frozenset(one.handle for one in found)

    async def stop(self) -> None:
        """Waits for nothing any more. Bodies go on, for whoever adopts them."""
        self._is_stopped = True
        self._open.clear()

    async def _look(self) -> list[Ended]:
        """The bodies that are over; sends again what nobody has begun for a while."""
        waiting = dict(self._open)
        if not waiting:
            return []
        try:
            rows = await handoffs.read(self._database, waiting)
        except DATABASE_AWAY:
            self._answers_since = float("inf")
            return []
        self._answers_since = min(self._answers_since, time.monotonic())
        ends = [Ended(handle, None) for handle in waiting.keys() - {one.handle for one in rows}]
        for row in rows:
            if (result := self._result(row)) is not None:
                ends.append(Ended(row.handle, result))
            elif not row.started and time.monotonic() >= waiting[row.handle].at:
                await self._send(row.handle, waiting[row.handle])
        return [one for one in ends if self._open.pop(one.handle, None)]

    def _result(self, row: handoffs.Progress) -> Result | None:
        """How a body ended, as far as its row says; None: it goes on, or has not begun."""
        if row.result is not None:
            return crossing.from_json(row.result)
        if row.silent_s is None:
            return None
        # A worker cannot say anything while the database is away.
        silent_s = min(row.silent_s, time.monotonic() - self._answers_since)
        if silent_s <= self._lost_s:
            return None
        error = f"the worker {row.worker} was lost: it was silent for {row.silent_s:.0f} s"
        return Result(Retry(error, kind=LOST))

    async def _send(self, handle: UUID, sent: Sent) -> None:
        now = time.monotonic()
        if now >= self._sends_from:
            try:
                await self.send(handle, sent.limit_s)
            except CarrierError as error:
                self._note_away(error)
            else:
                sent.at, sent.pause_s = now + sent.pause_s, min(sent.pause_s * 2, MOST_AGAIN_S)
                return
        sent.at = self._sends_from

    def _note_away(self, error: CarrierError) -> None:
        now = time.monotonic()
        if now - self._sends_from > AWAY_S:  # else it was told already
            log = structlog.get_logger()
            log.warning("messages to workers wait until they are taken", error=error.one_line())
        self._sends_from = now + AWAY_S
