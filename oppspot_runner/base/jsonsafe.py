"""Makes any Python value fit for a jsonb column or a text column, in one place.

Postgres refuses NUL characters and lone surrogates in text, and JSON has no NaN, no bytes and no
dates. A result that holds them must not be lost for it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import BaseModel

MOST_TEXT = 10_000  # characters of an error message
MOST_DEPTH = 100  # json.loads and jsonb both recurse; nobody nests deeper on purpose
MOST_BITS = 13_000  # about 3,900 digits; Python itself refuses to read back more than 4,300
CUT_MARK = "... [cut]"
_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def clean_text(text: str, *, most: int | None = None) -> str:
    """`text` without NUL characters and lone surrogates, at most `most` characters."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    if most is not None and len(text) > most:
        text = text[: most - len(CUT_MARK)] + CUT_MARK
    return text


def clean(value: Any, *, depth: int = 0) -> Any:
    """`value` as something that JSON and Postgres can hold.

    NaN and infinities become None, dates ISO text, decimals and uuids text, models and dataclasses
    objects, sets lists. What has no JSON form becomes its `repr`, so that it is seen, not lost.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean_text(str(value))
    if depth > MOST_DEPTH:
        return CUT_MARK
    if isinstance(value, int | float):
        return _number(value)
    return _composite(value, depth)


def is_deep(value: dict[str, Any]) -> bool:
    """Whether a JSON object, as it was read, is nested deeper than `clean` leaves it."""
    level: list[Any] = [value]
    for _ in range(MOST_DEPTH):
        level = [
            item
            for one in level
            for item in (one.values() if isinstance(one, dict) else one)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return False
    return any(level)


def _number(value: int | float) -> int | float | str | None:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value.bit_length() > MOST_BITS:
        return CUT_MARK
    return int(value)


def _composite(value: Any, depth: int) -> Any:
    match value:
        case Mapping():
            return {_key(key): clean(item, depth=depth + 1) for key, item in value.items()}
        case BaseModel():
            return clean(value.model_dump(), depth=depth + 1)
        case Enum():
            return clean(value.value, depth=depth + 1)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal() | UUID() | PurePath():
            return str(value)
        case bytes() | bytearray():
            return clean_text(bytes(value).decode("utf-8", "replace"))
        case Sequence() | Set():
            return [clean(item, depth=depth + 1) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return clean(asdict(value), depth=depth + 1)
        case _:
            return _seen(value)


def _seen(value: Any) -> str:
    try:
        return clean_text(repr(value), most=200)
    except Exception:  # noqa: BLE001 - whatever a stranger's __repr__ raises
        return f"<{type(value).__name__} that cannot be shown>"


def _key(key: Any) -> str:
    return clean_text(key if isinstance(key, str) else str(key))


def dumps(value: Any) -> str:
    """Compact JSON text of a value that went through `clean`."""
    return "{}" if value == {} else _COMPACT.encode(value)


def cut_to_size(output: dict[str, Any], most_bytes: int) -> tuple[dict[str, Any], str]:
    """`output` with its JSON text; one that is larger than `most_bytes` is cut, with a mark."""
    text = dumps(output)
    size = len(text.encode())
    if size <= most_bytes:
        return output, text
    small = {key: item for key, item in output.items() if len(dumps(item)) <= 1_000}
    kept = dict(list(small.items())[:100])
    kept["_cut"] = {"bytes": size, "most_bytes": most_bytes, "start": text[:1_000]}
    return kept, dumps(kept)
