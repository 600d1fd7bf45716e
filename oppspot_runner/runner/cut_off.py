"""Brings the work of an attempt to an end: because its time is over, or because somebody asks.

The task that does it is cancelled, with some patience. One that ignores even that is left behind:
it may go on, but nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

R = TypeVar("R")

CUT_OFF_S = 5.0


class CutOffError(Exception):
    """The work was cut off: what it returned or raised does not count."""


class CutOff:
    """Watches what one task works on. `on_deaf` is called when that task was left behind."""

    def __init__(self) -> None:
        self.happened = False
        self.working: asyncio.Task[Any] | None = None
        self.left_behind: asyncio.Task[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[None] | None = None
        self._cutting: asyncio.Task[None] | None = None

    async def guard(self, work: Coroutine[Any, Any, R]) -> R:
        """Does `work` in the current task. Raises CutOffError when it was cut off."""
        if self.happened:
            work.close()
            raise CutOffError
        task = self.working = asyncio.current_task()
        assert task is not None
        try:
            result = await work
        except BaseException:
            await self._leave(task)
            raise
        await self._leave(task)
        return result

    def limit(self, after_s: float, on_deaf: Callable[[], None]) -> None:
        """Cuts the work off in so many seconds from now."""
        self._timer = asyncio.get_running_loop().call_later(after_s, self.cut, on_deaf)

    def cut(self, on_deaf: Callable[[], None]) -> None:
        """Cuts off the work that is on, or the next one at its beginning."""
        if not self.happened:
            self.happened = True
            if self.working is not None:
                loop = asyncio.get_running_loop()
                self._ended = loop.create_future()
                cutting = self._cut_off(self.working, self._ended, on_deaf)
                self._cutting = loop.create_task(cutting)

    async def _cut_off(
        self, task: asyncio.Task[Any], ended: asyncio.Future[None], on_deaf: Callable[[], None]
    ) -> None:
        for patience_s in (CUT_OFF_S, CUT_OFF_S / 5):  # a cancellation can get lost: see end_all
            task.cancel()
            await asyncio.wait({ended}, timeout=patience_s)
            if ended.done():
                return
        self.working, self.left_behind = None, task
        on_deaf()

    async def _leave(self, task: asyncio.Task[Any]) -> None:
        self.working = None
        if self._timer is not None:
            self._timer.cancel()
        if self._ended is not None:
            self._ended.set_result(None)
        if task.cancelling():  # by us, or the work cancelled itself: what comes next starts afresh
            await _uncancelled(task)
        if self.happened:
            raise CutOffError from None


async def _uncancelled(task: asyncio.Task[Any]) -> None:
    while task.cancelling():
        task.uncancel()
    try:
        await asyncio.sleep(0)  # a cancellation that was asked for and not yet delivered
    except asyncio.CancelledError:
        return
