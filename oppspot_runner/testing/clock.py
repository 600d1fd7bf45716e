"""The time of a test: that of its database, which everybody who asks it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias

import psycopg

from oppspot_runner.base import payload as checks
from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.db.files import statement

SET_CLOCK = statement("testing/set_clock")

START = datetime(2026, 1, 1, tzinfo=UTC)

Moment: TypeAlias = datetime | date | timedelta | str


class Clock:
    """Stands still at midnight of 1 January 2026 (UTC) until it is moved, also by a runner that
    drains. A moment is a datetime with a time zone, a date (its midnight in UTC), either as ISO
    8601 text (without a zone in UTC), or a timedelta from now.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._now = START
        self._told: list[Callable[[datetime], None]] = []

    @property
    def now(self) -> datetime:
        """What time it is, in UTC."""
        return self._now

    def moment(self, given: Moment) -> datetime:
        """The time that is meant. Raises InvalidInputError."""
        match given:
            case timedelta():
                return self._now + given
            case datetime():
                return checks.moment(given, "the time").astimezone(UTC)
            case date():
                return datetime.combine(given, time(), UTC)
            case str():
                return _read(given)

    def set(self, to: Moment) -> None:
        """Makes it that time. What is due by then waits for `drain`. Raises InvalidInputError."""
        self._now = self.moment(to)
        self._connection.execute(SET_CLOCK, {"at": self._now})
        for told in self._told:
            told(self._now)

    def advance(self, by: timedelta) -> None:
        """Lets that much time pass."""
        self.set(by)

    def lead(self, other: Callable[[datetime], None]) -> None:
        """Calls `other` with the time, now and whenever it moves: for other clocks of the test."""
        self._told.append(other)
        other(self._now)


def _read(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is no time", hint="Write 2026-12-31 or 2026-12-31T09:00Z, say."
        ) from None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
