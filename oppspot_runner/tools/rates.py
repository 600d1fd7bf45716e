"""How many calls of a tool are let through in a window of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from oppspot_runner.base.rate import RateLimit


class CallLimiter(Protocol):
    """Counts calls. One that keeps its counts in the database holds across runners."""

    async def take(self, key: str, limit: RateLimit) -> float:
        """0 when the call may be made, which counts it; else the seconds until the next may."""
        ...


class ProcessCallLimiter:
    """Counts the calls of this process, exactly: in no window are there more than the limit."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._calls: dict[str, deque[float]] = {}

    async def take(self, key: str, limit: RateLimit) -> float:
        now = self._clock()
        calls = self._calls.setdefault(key, deque())
        while calls and calls[0] <= now - limit.window_s:
            calls.popleft()
        if len(calls) < limit.max_calls:
            calls.append(now)
            return 0.0
        return calls[0] + limit.window_s - now if calls else limit.window_s
