"""What places below this process have in common: an attempt awaits the body itself.

Nothing stands between the two, no queue and no row. Whoever treats all backends alike, or puts a
backend of his own on top of one of these, finds the whole protocol here.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection
from functools import partial
from uuid import UUID

from oppspot_runner.backends.backend import Briefing, Ended, Result
from oppspot_runner.backends.judging import judged_error
from oppspot_runner.base.errors import ConflictError, LeaseLostError
from oppspot_runner.db.cancelling import end_all


class LocalBackend(ABC):
    """A place that says how it runs one body."""

    def __init__(self) -> None:
        self._bodies: dict[UUID, asyncio.Task[Result]] = {}
        self._ended: asyncio.Queue[Ended] = asyncio.Queue()
        self._is_stopped = False

    @abstractmethod
    async def run(self, briefing: Briefing) -> Result:
        """Runs one body to its end; cancelled, it ends the body.

        What the agent raises is in the result, but for LeaseLostError, which is raised.
        """

    async def start(self) -> None:  # noqa: B027 - most need nothing
        """Gets ready."""

    def capacity(self) -> int | None:
        """None: the slots of the runner are the limit."""
        return None

    async def submit(self, handle: UUID, briefing: Briefing) -> None:
        """Runs a body in a task of its own. Raises ConflictError after `stop`."""
        if self._is_stopped:
            raise ConflictError("the backend has stopped: it takes no more bodies")
        body = asyncio.get_running_loop().create_task(self.run(briefing))
        self._bodies[handle] = body
        body.add_done_callback(partial(self._note, handle))

    async def outcomes(self) -> AsyncIterator[Ended]:
        """How the bodies end that were submitted."""
        while True:
            yield await self._ended.get()

    async def cancel(self, handle: UUID) -> None:
        """Ends a body; one in a thread is left behind."""
        body = self._bodies.pop(handle, None)
        if body is not None:
            await end_all([body])

    async def adopt(self, handles: Collection[UUID]) -> frozenset[UUID]:
        """Those of this process: bodies end with theirs."""
        return frozenset(handles) & self._bodies.keys()

    async def stop(self) -> None:
        """Ends what was submitted and still runs. May be called twice, or before any run."""
        self._is_stopped = True
        bodies = list(self._bodies.values())
        self._bodies.clear()
        await end_all(bodies)

    def _note(self, handle: UUID, body: asyncio.Task[Result]) -> None:
        if self._bodies.pop(handle, None) is not None:
            self._ended.put_nowait(Ended(handle, _result(body)))


def _result(body: asyncio.Task[Result]) -> Result | None:
    if body.cancelled():  # by itself
        return Result(judged_error(asyncio.CancelledError()))
    error = body.exception()
    if isinstance(error, LeaseLostError):
        return None
    return body.result() if error is None else Result(judged_error(error))
