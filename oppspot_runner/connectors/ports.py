"""What the outside world needs of those who know a database, wired in `app`."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.web import KeptAnswer


class CallLimiter(Protocol):
    """Counts calls of all runners together."""

    async def take(self, key: str, limit: RateLimit) -> float:
        """0 when the call may be made, which counts it; else the seconds until the next may."""
        ...

    async def hold(self, key: str, limit: RateLimit, hold_s: float) -> None:
        """Lets no call through for so many seconds."""
        ...


class HostBreakers(Protocol):
    """Knows of hosts that do not answer, for all runners together."""

    async def admit(self, source: str, host: str) -> float | None:
        """Seconds until the host may be called, 0: now; None: now, and no failure is known.

        Who is let through says how it ended, by `failed` or `mended`.
        """
        ...

    async def failed(self, source: str, host: str, error: str) -> None:
        """Counts a call without an answer."""
        ...

    async def mended(self, source: str, host: str) -> None:
        """Closes the breaker: the host answers."""
        ...


class AnswerCache(Protocol):
    """Keeps answers for all runners together."""

    async def get(self, key: str) -> KeptAnswer | None:
        """What was put there, unless its time is over; None when there is nothing."""
        ...

    async def put(self, key: str, source: str, kept: KeptAnswer, keep_s: float) -> datetime:
        """Keeps an answer that has just come, for `keep_s` seconds at most; the time of now."""
        ...

    async def renew(self, key: str, keep_s: float) -> datetime | None:
        """Notes that what is kept is right now; the time of now, None where it is gone."""
        ...

    async def now(self) -> datetime:
        """The time by the same clock."""
        ...
