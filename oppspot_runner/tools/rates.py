"""How many calls of a tool are let through in a window of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from oppspot_runner.base.errors import InvalidInputError

MOST_CALLS = 1_000_000


@dataclass(frozen=True)
class RateLimit:
    """At most `max_calls` in any `window_s` seconds. Raises InvalidInputError for another one."""

    max_calls: int
    window_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.max_calls <= MOST_CALLS:
            raise InvalidInputError(f"max_calls is {self.max_calls}, not from 0 to {MOST_CALLS:,}")
        if not 0 < self.window_s <= 31_536_000:
            raise InvalidInputError(
                f"the window is {self.window_s} s long, not above 0 and at most a year"
            )


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
