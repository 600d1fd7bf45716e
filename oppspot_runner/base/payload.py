"""Checks what comes from outside before it goes into a jsonb or text column.

Unlike `jsonsafe`, which saves what it can of a result, this refuses: whoever puts work in is there
to correct it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.jsonsafe import clean

MOST_PAYLOAD_BYTES = 1024 * 1024
MOST_NAME = 500  # characters
LEAST_PREFIX = 4
UUID_DIGITS = 32
NUL_IN_JSON = "\\u0000"


def object_json(value: Any, what: str = "the payload") -> str:
    """`value`, a mapping or a pydantic model, as the text of a JSON object of at most 1 MiB.

    Dates, uuids, decimals, models, dataclasses and sets inside become their JSON forms. Raises
    InvalidInputError that begins with `what` for anything that JSON or Postgres cannot hold.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{what} is {_kind(value)}, not a JSON object")
    try:
        text = json.dumps(
            dict(value),
            default=_plain,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        )
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidInputError(f"{what} holds half of a surrogate pair") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{what} is not JSON: {error}") from None
    if size > MOST_PAYLOAD_BYTES:
        raise InvalidInputError(
            f"{what} is {size:,} bytes of JSON, more than {MOST_PAYLOAD_BYTES:,}",
            hint="Keep the data in a table or a file and pass its name.",
        )
    # A backslash of the data is written as two; without those pairs, only a NUL looks like this.
    if NUL_IN_JSON in text.replace("\\\\", ""):
        raise InvalidInputError(f"{what} holds a NUL character, which Postgres cannot store")
    return text


def plain_text(value: str, what: str, *, most: int = MOST_NAME) -> str:
    """`value` if a text column can hold it; `most` is its greatest length in characters."""
    if not isinstance(value, str):
        raise InvalidInputError(f"{what} is {_kind(value)}, not text")
    if not value.strip():
        raise InvalidInputError(f"{what} is empty")
    if len(value) > most:
        raise InvalidInputError(f"{what} has {len(value):,} characters, more than {most:,}")
    if "\x00" in value:
        raise InvalidInputError(f"{what} holds a NUL character, which Postgres cannot store")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInputError(f"{what} holds half of a surrogate pair") from None
    return value


def whole_number(value: int, what: str, *, least: int, most: int) -> int:
    """`value` if it is a whole number between `least` and `most`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInputError(f"{what} is {_kind(value)}, not a whole number")
    if not least <= value <= most:
        raise InvalidInputError(f"{what} is {value}, not {least} to {most}")
    return value


def moment(value: datetime, what: str) -> datetime:
    """`value` if it names one moment, that is with a time zone."""
    if not isinstance(value, datetime):
        raise InvalidInputError(f"{what} is {_kind(value)}, not a datetime")
    if value.tzinfo is None:
        raise InvalidInputError(f"{what} has no time zone", hint="Write datetime.now(UTC), say.")
    return value


def identifier(value: UUID | str, what: str) -> UUID:
    """`value` as a uuid."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise InvalidInputError(f"{what} is not a uuid: {str(value)[:80]!r}") from None


def uuid_range(text: str) -> tuple[UUID, UUID] | None:
    """The least and the greatest uuid that begin with `text`; None when none does.

    Fewer than four characters are no prefix: too many would begin with them.
    """
    digits = text.replace("-", "").lower()
    if not LEAST_PREFIX <= len(digits) <= UUID_DIGITS or set(digits) - set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(UUID_DIGITS, "0")), UUID(digits.ljust(UUID_DIGITS, "f"))


def only_one(ids: Sequence[UUID], what: str) -> UUID:
    """The only id of `ids`. Raises InvalidInputError when there are more."""
    if len(ids) > 1:
        raise InvalidInputError(
            f"{what[:200]} may be any of {', '.join(map(str, ids))}", hint="Give one of these."
        )
    return ids[0]


def read_json(text: str | None) -> Any:
    """The value of a jsonb column that was read as text, for people to look at.

    What Python refuses to read (numbers of 5,000 digits, nesting of 10,000) is shown as such.
    """
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return {"_unreadable": str(error), "start": text[:200]}


def tolerant_loads(text: str | bytes) -> Any:
    """JSON as Python values; what Python cannot read (numbers of 5,000 digits) as its text.

    One such value in one row must not make a whole page of rows unreadable.
    """
    try:
        # Said to be UTF-8, which it is, it is not looked at to find out.
        return json.loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError):
        return text if isinstance(text, str) else text.decode("utf-8", "replace")


def _plain(value: Any) -> Any:
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case Mapping():
            return dict(value)
        case datetime() | date() | time() | timedelta() | Decimal() | UUID() | PurePath():
            return clean(value)
        case Enum():
            return value.value
        case set() | frozenset():
            return list(value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return asdict(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form")


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple() | set():
            return "a list"
        case Mapping():
            return "an object"
        case _:
            return f"a {type(value).__name__}"
