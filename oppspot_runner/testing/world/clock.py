"""The time of the world: it stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class WorldClock:
    """What the world believes the time to be."""

    def __init__(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)

    @property
    def now(self) -> datetime:
        return self._now

    @property
    def seconds(self) -> int:
        """Unix time."""
        return int(self._now.timestamp())

    def set(self, now: datetime) -> None:
        """Makes it `now`, which needs a time zone."""
        if now.tzinfo is None:
            raise ValueError("the time has no time zone")
        self._now = now.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        """Lets that much time pass."""
        self._now += by
