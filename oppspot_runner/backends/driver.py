"""Hands bodies over to a backend outside of this process, and waits for their ends.

There is a row for each of them (queue/handoffs) from before it is submitted, so that another runner
can go on waiting when this one is gone. A body is taken back only while its row is this runner's:
one that lost its lease, or left its rows to the next runner, ends nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from oppspot_runner.backends.backend import (
    Backend,
    BackendSurroundings,
    Briefing,
    Ended,
    Result,
)
from oppspot_runner.backends.judging import told
from oppspot_runner.base import tracing
from oppspot_runner.base.errors import LeaseLostError, OppspotError
from oppspot_runner.base.outcome import Release
from oppspot_runner.db.cancelling import end_all
from oppspot_runner.db.pool import DATABASE_AWAY
from oppspot_runner.queue import handoffs

PROTOCOL = 1  # of tickets and results: a worker refuses what it does not know
LOOK_S = 1.0  # for room, should nobody tell
AGAIN_S = 1.0


class OutcomesLostError(OppspotError):
    """A backend that does not tell any more how bodies end."""


class Driver:
    """Runs bodies with `backend`, whose name is the isolation of their agents."""

    def __init__(
        self,
        name: str,
        backend: Backend,
        surroundings: BackendSurroundings,
        runner_id: Callable[[], int],
    ) -> None:
        self.name = name
        self.backend = backend
        self.database = surroundings.database
        self.runner_id = runner_id
        self.version = surroundings.version
        self._awaited: dict[UUID, asyncio.Future[Result | None]] = {}
        self._submitting = 0
        self._room = asyncio.Event()
        self._collecting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to listen for ends."""
        await self.backend.start()
        self._collecting = asyncio.get_running_loop().create_task(self._collect())

    async def stop(self) -> None:
        """Bodies that are on go on. May be called twice."""
        if self._collecting is not None:
            await end_all([self._collecting])
        await self.backend.stop()

    async def run(self, briefing: Briefing) -> Result:
        """Hands one body over and waits for its end; cancelled, it takes the body back.

        Raises LeaseLostError when the task is not the runner's.
        """
        handle, runner_id = uuid4(), self.runner_id()
        await self._wait_for_room()
        try:
            self._submitting += 1
            ended = self._await(handle)
            try:
                await self._put(handle, briefing, runner_id)
                await self.backend.submit(handle, briefing)
            finally:
                self._submitting -= 1
            return _known(await ended, briefing)
        except BaseException:
            await self._take_back(handle, runner_id)
            raise

    async def go_on(self, handle: UUID, briefing: Briefing) -> Result:
        """Waits for the end of a body that another runner handed over; cancelled, it takes it back.

        One that was lost with that runner is given back, to be run again.
        """
        runner_id = self.runner_id()
        ended = self._await(handle)
        try:
            if handle not in await self.backend.adopt([handle]):
                return Result(Release(f"the backend {self.name} lost its body"))
            result = _known(await ended, briefing)
            return result.part(0) if result.each else result  # it was alone in its batch
        except BaseException:
            await self._take_back(handle, runner_id)
            raise
        finally:
            self._awaited.pop(handle, None)

    def _await(self, handle: UUID) -> asyncio.Future[Result | None]:
        self._awaited[handle] = asyncio.get_running_loop().create_future()
        return self._awaited[handle]

    async def _put(self, handle: UUID, briefing: Briefing, runner_id: int) -> None:
        tasks = [one.ctx.task for one in briefing.members]
        ticket = ticket_of(briefing, self.version)
        if not await handoffs.put(
            self.database, handle, tasks, backend=self.name, runner_id=runner_id, ticket=ticket
        ):
            raise LeaseLostError(f"task {tasks[0].id} is no longer this runner's")

    async def _take_back(self, handle: UUID, runner_id: int) -> None:
        self._awaited.pop(handle, None)
        with suppress(*DATABASE_AWAY):  # its worker finds out, or the body ends for nothing
            if await handoffs.drop(self.database, handle, runner_id):
                await self.backend.cancel(handle)

    async def _wait_for_room(self) -> None:
        while (room := self.backend.capacity()) is not None and room <= self._submitting:
            self._room.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._room.wait()

    async def _collect(self) -> None:
        while True:
            reason = "it has no more outcomes to tell"
            try:
                async for ended in self.backend.outcomes():
                    self._hand_out(ended)
            except Exception as error:  # noqa: BLE001 - other people's code must not end the runner
                reason = told(error)
            for waiting in self._awaited.values():
                if not waiting.done():
                    waiting.set_exception(OutcomesLostError(f"the backend {self.name}: {reason}"))
            await asyncio.sleep(AGAIN_S)

    def _hand_out(self, ended: Ended) -> None:
        waiting = self._awaited.pop(ended.handle, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(ended.result)
        self._room.set()


@dataclass(frozen=True)
class GoingOn:
    """The place of one body that another runner handed over: it only has to be waited for."""

    driver: Driver
    handle: UUID

    async def run(self, briefing: Briefing) -> Result:
        """Waits for the end of that body."""
        return await self.driver.go_on(self.handle, briefing)


def ticket_of(briefing: Briefing, version: str) -> dict[str, Any]:
    """What a worker is told of a body besides what it finds in the tables."""
    return {
        "protocol": PROTOCOL,
        "version": version,
        "agent_type": briefing.definition.agent_type,
        "deadline": briefing.ctx.deadline.isoformat(),
        "time_limit_s": briefing.options.time_limit.total_seconds(),
        "traceparent": tracing.CURRENT.get(),
    }


def _known(result: Result | None, briefing: Briefing) -> Result:
    if result is None:
        raise LeaseLostError("the task was lost while its body ran elsewhere")
    return result.with_saver(briefing)
