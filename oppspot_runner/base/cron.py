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
WORDS = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day": "1 to 31",
    "month": "1 to 12 or jan to dec",
    "weekday": "0 to 7 or sun to sat",
    "second": "0 to 59",
}
# What other programs know and we write as fields: how many make a whole, and the fields.
EVERY = re.compile(r"@every (?P<number>[1-9]\d?)(?P<unit>[smh])")
STEPS = {"s": (60, "* * * * * */{}"), "m": (60, "*/{} * * * *"), "h": (24, "0 */{} * * *")}
OFFSET = re.compile(r"[+-]\d")
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
        why = _wrong_field(expression) or str(error)
        raise InvalidInputError(
            f"{expression!r} is not a cron expression: {why}", hint=HOW
        ) from None
    return expression


def _wrong_field(expression: str) -> str | None:
    """The first field that means nothing by itself, and what it may be."""
    from croniter import croniter

    for place, (given, (name, meant)) in enumerate(
        zip(expression.split(), FIELDS.items(), strict=False)
    ):
        alone = ["*"] * len(FIELDS)
        alone[place] = given
        if not croniter.is_valid(" ".join(alone)):
            return f"the {name} is {given!r}, not {meant}"
    return None


def _check_words(expression: str) -> None:
    if len(expression) > MOST_CHARACTERS:
        raise InvalidInputError(
            f"the cron expression has {len(expression):,} characters, more than {MOST_CHARACTERS}",
            hint=HOW,
        )
    if expression.startswith("@"):
        if expression.lower() not in WORDS:
            raise InvalidInputError(
                f"{expression!r} is not a cron expression: no such word is known",
                hint=_fields_of(expression) or f"The words are {', '.join(WORDS)}. {HOW}",
            )
        return
    count = len(expression.split())
    if count not in FIELD_COUNTS:
        word = f"@{expression.lower()}"
        raise InvalidInputError(
            f"{expression!r} has {count} field{'' if count == 1 else 's'}, not 5 or 6",
            hint=f"Write {word!r}." if word in WORDS else HOW,
        )
    if DRAWN.search(expression):
        raise InvalidInputError(
            f"{expression!r} is not a cron expression: H and R name no fixed time", hint=HOW
        )


def _fields_of(every: str) -> str | None:
    """The fields for `@every 5m`, where fields can say that."""
    found = EVERY.fullmatch(every)
    if found is None:
        return None
    number, (whole, fields) = int(found["number"]), STEPS[found["unit"]]
    even = number < whole and whole % number == 0
    return f"Write {fields.format(number)!r}." if even else None


def timezone_name(name: str) -> str:
    """`name`, if it is a time zone of the IANA database, such as Europe/London."""
    try:
        ZoneInfo(name)
        known = name in _zones()
    except (KeyError, ValueError, OSError):
        known = False
    if not known:
        raise InvalidInputError(f"{name[:80]!r} is not a time zone", hint=_zone_hint(name[:80]))
    return name


def _zone_hint(name: str) -> str:
    if OFFSET.search(name):
        return "Write the name of a place, such as Europe/Berlin: it knows when clocks are changed."
    near = get_close_matches(name, _zones(), 1)
    return f"Did you mean {near[0]}?" if near else "Use a name such as Europe/London."


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime"}  # each host has another one
