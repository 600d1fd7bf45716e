"""What the outside world needs of those who know a database, wired in `app`."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from oppspot_runner.base.rate import RateLimit


class CallLimiter(Protocol):
    """Counts calls of all runners together."""

    async def take(self, key: str, limit: RateLimit) -> float:
        """0 when the call may be made, which counts it; else the seconds until the next may."""
        ...


class Clock(Protocol):
    """The clock of the database, which is the only one."""

    async def __call__(self) -> datetime: ...
