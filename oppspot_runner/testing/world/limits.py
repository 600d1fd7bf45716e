"""How often a source may be asked before it says no, as the real ones count."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True)
class Limit:
    """At most `calls` within a window of `window_s` that begins with its first call."""

    calls: int
    window_s: float


@dataclass(frozen=True)
class Turn:
    """A call as it was counted."""

    limit: Limit
    used: int
    reset_s: float

    @property
    def granted(self) -> bool:
        return self.used <= self.limit.calls

    @property
    def left(self) -> int:
        return max(0, self.limit.calls - self.used)

    @property
    def whole_seconds(self) -> int:
        """The seconds until the window ends, rounded up."""
        return math.ceil(self.reset_s)


class Counter:
    """Counts the calls of each credential. Real time: callers wait for it."""

    def __init__(self, limit: Limit, seconds: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._seconds = seconds
        self._windows: dict[str, tuple[float, int]] = {}
        self._lock = Lock()

    def take(self, credential: str) -> Turn:
        """One more call of `credential`."""
        with self._lock:
            now = self._seconds()
            began, used = self._windows.get(credential, (now, 0))
            if now - began >= self.limit.window_s:
                began, used = now, 0
            self._windows[credential] = began, used + 1
        return Turn(self.limit, used + 1, began + self.limit.window_s - now)

    def reset(self) -> None:
        """Forgets all calls."""
        with self._lock:
            self._windows.clear()
