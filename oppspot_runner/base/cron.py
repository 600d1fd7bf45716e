"""Checks cron expressions and time zones when somebody writes them, not when they should fire."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from oppspot_runner.base.errors import InvalidInputError

FIELD_COUNTS = (5, 6)
HOW = "Five fields are minute, hour, day, month, weekday, as in '0 9 * * 1-5'; @daily works too."


def cron_expression(text: str) -> str:
    """`text` without outer space, if it is a cron expression that comes due some day.

    Five fields, six with seconds at the end, or a word such as @daily. Raises InvalidInputError.
    """
    # Loaded here: most commands do not need it.
    from croniter import CroniterBadDateError, CroniterError, croniter

    expression = " ".join(text.split())
    if not expression.startswith("@") and len(expression.split(" ")) not in FIELD_COUNTS:
        raise InvalidInputError(
            f"{expression!r} has {len(expression.split())} fields, not 5 or 6", hint=HOW
        )
    try:
        croniter(expression, datetime(2024, 1, 1, tzinfo=UTC)).get_next(datetime)
    except CroniterBadDateError:
        raise InvalidInputError(f"{expression!r} names a day that never comes") from None
    except (CroniterError, ValueError, KeyError, AttributeError) as error:
        raise InvalidInputError(
            f"{expression!r} is not a cron expression: {error}", hint=HOW
        ) from None
    return expression


def timezone_name(name: str) -> str:
    """`name`, if it is a time zone of the IANA database, such as Europe/London."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), 1)
        raise InvalidInputError(
            f"{name[:80]!r} is not a time zone",
            hint=f"Did you mean {near[0]}?" if near else "Use a name such as Europe/London.",
        ) from None
    return name
