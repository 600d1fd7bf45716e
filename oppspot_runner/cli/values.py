"""Values that people type: JSON objects and times."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from oppspot_runner.base.errors import InvalidInputError

UNITS_S = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
LENGTH = r"(?P<number>\d{1,9})(?P<unit>s|min|m|h|d)"
RELATIVE = re.compile(rf"\+{LENGTH}")
LENGTH_ALONE = re.compile(LENGTH)


def json_object(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> dict[str, Any] | None:
    """The callback of an option that holds a JSON object, or @FILE with one."""
    if value is None:
        return None
    found = json_value(ctx, param, value)
    if not isinstance(found, dict):
        raise click.BadParameter(f'{value[:60]!r} is not a JSON object such as {{"days": 7}}')
    return found


def json_value(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Any:
    """The callback of an option that holds JSON, or @FILE with some; None without it."""
    if value is None:
        return None
    text = value
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise click.BadParameter(f"{value} cannot be read: {error}") from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{text[:60]!r} is not JSON: {error}") from None


def length_of_time(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> timedelta | None:
    """The callback of an option that holds a length of time: 30s, 10m, 2h, 1d."""
    if value is None:
        return None
    found = LENGTH_ALONE.fullmatch(value.strip())
    if found is None:
        raise click.BadParameter(f"{value[:60]!r} is no length of time such as 30s, 10m, 2h, 1d")
    return timedelta(seconds=int(found["number"]) * UNITS_S[found["unit"]])


def due_time(text: str, now: datetime) -> datetime:
    """The time that `text` means: ISO 8601 with a time zone, or +10m, +2h, +1d from `now`.

    Raises InvalidInputError.
    """
    hint = "Write 2026-01-31T09:00Z, 2026-01-31T09:00+01:00, or +30s, +10m, +2h, +1d."
    relative = RELATIVE.fullmatch(text.strip())
    return _moved(now, relative, 1, hint) if relative else _absolute(text, hint)


def past_time(text: str, now: datetime) -> datetime:
    """The time that `text` means: ISO 8601 with a time zone, or 30m, 2h, 1d before `now`.

    Raises InvalidInputError.
    """
    hint = "Write 2026-01-31T09:00Z, 2026-01-31T09:00+01:00, or 30s, 10m, 2h, 1d."
    relative = LENGTH_ALONE.fullmatch(text.strip())
    return _moved(now, relative, -1, hint) if relative else _absolute(text, hint)


def _moved(now: datetime, relative: re.Match[str], sign: int, hint: str) -> datetime:
    seconds = int(relative["number"]) * UNITS_S[relative["unit"]]
    try:
        return now + sign * timedelta(seconds=seconds)
    except OverflowError:
        raise InvalidInputError(f"{relative[0]!r} is out of range", hint=hint) from None


def _absolute(text: str, hint: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInputError(f"{text[:60]!r} is not a time", hint=hint) from None
    if found.tzinfo is None:
        raise InvalidInputError(f"{text[:60]!r} has no time zone", hint=hint)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise InvalidInputError(f"{text[:60]!r} is out of range", hint=hint) from None
