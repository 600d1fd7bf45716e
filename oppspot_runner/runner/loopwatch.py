"""Watches from a thread of its own that the event loop moves, and where it stands when not."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

LOOK_S = 0.5
FIRST_S = 1.0  # of a standstill that is worth a word; the next ones after 2, 4, 8 ... seconds
MOST_FRAMES = 8
MOST_LATE_MS = 2**31 - 1


@dataclass(frozen=True)
class Standstill:
    """The event loop has not moved for `seconds`: who is in it, and where, the innermost first."""

    seconds: float
    task: asyncio.Task[Any] | None
    where: str


class LoopWatch:
    """Calls `on_standstill` in its thread, again at longer and longer intervals; `on_limit` after
    `limit_s()`, until it says that it did what there is to do; `on_moving(seconds)` in the loop,
    when a standstill is over."""

    def __init__(
        self,
        *,
        limit_s: Callable[[], float],
        on_standstill: Callable[[Standstill], None],
        on_limit: Callable[[Standstill], bool],
        on_moving: Callable[[float], None],
    ) -> None:
        self.limit_s = limit_s
        self.on_standstill = on_standstill
        self.on_limit = on_limit
        self.on_moving = on_moving
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._stop = threading.Event()
        self._answered = threading.Event()
        self._worst_s = 0.0
        self.late_s = 0.0  # when it was last looked at
        self._thread = threading.Thread(target=self._run, name="oppspot-loopwatch", daemon=True)

    def start(self) -> None:
        """Begins to watch the loop that this is called in."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, soon."""
        self._stop.set()

    def lag_ms(self) -> int:
        """How late the loop was at worst since this was last asked."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return min(int(worst_s * 1000), MOST_LATE_MS)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            self._answered.clear()
            try:
                self._loop.call_soon_threadsafe(self._answer, time.monotonic())
            except RuntimeError:  # the loop is closed
                return
            self._follow()

    def _answer(self, asked_at: float) -> None:
        self.late_s = late_s = time.monotonic() - asked_at
        self._worst_s = max(self._worst_s, late_s)
        self._answered.set()
        if late_s >= FIRST_S:
            self.on_moving(late_s)

    def _follow(self) -> None:
        """Counts our own looks instead of asking a clock: a process that was frozen for an hour has
        not stood still for an hour."""
        looks, next_s, is_done = 0, FIRST_S, False
        while not self._answered.wait(LOOK_S) and not self._stop.is_set():
            looks += 1
            seconds = looks * LOOK_S
            self.late_s = seconds
            self._worst_s = max(self._worst_s, seconds)
            if seconds >= next_s:
                next_s *= 2
                self.on_standstill(self._standstill(seconds))
            if seconds >= self.limit_s() and not is_done:
                is_done = self.on_limit(self._standstill(seconds))

    def _standstill(self, seconds: float) -> Standstill:
        frame = sys._current_frames().get(self._loop_thread)
        frames = traceback.extract_stack(frame)[-MOST_FRAMES:] if frame else []
        where = [f"{PurePath(one.filename).name}:{one.lineno} {one.name}" for one in frames]
        return Standstill(seconds, asyncio.current_task(self._loop), " < ".join(reversed(where)))
