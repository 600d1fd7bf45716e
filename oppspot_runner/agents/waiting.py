"""What an agent may wait for, checked."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.payload import plain_text

SLEEP = "sleep"  # the step that remembers until when
MOST_EVENT_NAME = 150  # its step has a longer name
MOST_S = 100 * 365 * 86_400.0
LAST_TIME = datetime(9999, 1, 1, tzinfo=UTC)


def checked_time(when: datetime | timedelta) -> tuple[datetime | None, float | None]:
    """A time, or seconds from now, and None. Raises InvalidInputError."""
    if not isinstance(when, datetime):
        return None, checked_seconds(when, "the time to sleep")
    if when.tzinfo is None:
        raise InvalidInputError("sleep_until wants a time with a time zone, or a timedelta")
    if when >= LAST_TIME:
        raise InvalidInputError(
            f"sleep_until({when.isoformat()}) is too late: the year 9999 ends it"
        )
    return when, None


def checked_seconds(span: timedelta | float, what: str) -> float:
    """A span in seconds. Raises InvalidInputError that begins with `what`."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    if not math.isfinite(seconds) or seconds > MOST_S:
        raise InvalidInputError(f"{what} is {seconds:,.0f} s, more than 100 years")
    return seconds


def checked_name(name: str) -> str:
    """The name of an event. Raises InvalidInputError."""
    return plain_text(name, "the name of the event", most=MOST_EVENT_NAME)
