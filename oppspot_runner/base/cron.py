"""Checks cron expressions and time zones when somebody writes them, not when they should fire."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from oppspot_runner.base.errors import InvalidInputError

FIELD_COUNTS = (5, 6)
MOST_CHARACTERS = 200
HOW = "Five fields are minute, hour, day, month, weekday, as in '0 9 * * 1-5'; @daily works too."
# croniter draws a number for these, another one at each look.
DRAWN = re.compile(r"(?:^|[\s,])[hr](?:$|[\s,(/])", re.IGNORECASE)


@lru_cache(maxsize=1000)  # a runner asks again whenever one comes due
def cron_expression(text: str) -> str:
    """`text` without outer space, if it is a cron expression that comes due some day.

    Five fields, six with seconds at the end, or a word such as @daily. Raises InvalidInputError.
    """
    # Loaded here: most commands do not need it.
    from croniter import CroniterBadDateError, CroniterError, croniter

    expression = " ".join(text.split())
    _check_words(expression)
    try:
        croniter(expression, datetime(2024, 1, 1, tzinfo=UTC)).get_next(datetime)
    except CroniterBadDateError:
        raise InvalidInputError(f"{expression!r} names a day that never comes") from None
    except (CroniterError, ValueError, KeyError, AttributeError) as error:
        raise InvalidInputError(
            f"{expression!r} is not a cron expression: {error}", hint=HOW
        ) from None
    return expression


def _check_words(expression: str) -> None:
    if len(expression) > MOST_CHARACTERS:
        raise InvalidInputError(
            f"the cron expression has {len(expression):,} characters, more than {MOST_CHARACTERS}",
            hint=HOW,
        )
    if not expression.startswith("@") and len(expression.split(" ")) not in FIELD_COUNTS:
        raise InvalidInputError(
            f"{expression!r} has {len(expression.split())} fields, not 5 or 6", hint=HOW
        )
    if DRAWN.search(expression):
        raise InvalidInputError(
            f"{expression!r} is not a cron expression: H and R name no fixed time", hint=HOW
        )


def timezone_name(name: str) -> str:
    """`name`, if it is a time zone of the IANA database, such as Europe/London."""
    try:
        ZoneInfo(name)
        known = name in _zones()
    except (KeyError, ValueError, OSError):
        known = False
    if not known:
        near = get_close_matches(name[:80], _zones(), 1)
        raise InvalidInputError(
            f"{name[:80]!r} is not a time zone",
            hint=f"Did you mean {near[0]}?" if near else "Use a name such as Europe/London.",
        )
    return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime"}  # each host has another one
