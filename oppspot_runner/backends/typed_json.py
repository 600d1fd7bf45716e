"""Values as JSON that says their types, so that they are the same where they arrive.

For what people put into their results: numbers, texts, dates, collections, enums, dataclasses and
pydantic models. Nothing that arrives runs code, or has a module imported.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from oppspot_runner.base.errors import OppspotError
from oppspot_runner.base.jsonsafe import clean_text

TICK = timedelta(microseconds=1)
TICK = timedelta(microseconds=1)
TYPE = "$"  # the one key of an object that stands for a value of another type
Both = tuple[Callable[[Any], Any], Callable[[Any], Any]]


class UnportableError(OppspotError):
    """A value that has no such form, or that cannot be made again here."""


SIMPLE: dict[type, Both] = {
    datetime: (datetime.isoformat, datetime.fromisoformat),
    date: (date.isoformat, date.fromisoformat),
    time: (time.isoformat, time.fromisoformat),
    timedelta: (lambda one: one // TICK, lambda ticks: ticks * TICK),
    Decimal: (str, Decimal),
    UUID: (str, UUID),
    float: (repr, float),
    bytes: (lambda one: base64.b64encode(one).decode(), base64.b64decode),
}
COLLECTIONS: dict[type, Callable[[list[Any]], Any]] = {
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    dict: dict,
}
BY_NAME = {kind.__name__: kind for kind in (*SIMPLE, *COLLECTIONS)}


def pack(value: Any) -> Any:
    """`value` as JSON values. Raises UnportableError for what has no such form."""
    kind = type(value)
    if value is None or kind in (bool, int) or (kind is float and isfinite(value)):
        return value
    if kind is str:
        return clean_text(value)
    if kind is list:
        return [pack(one) for one in value]
    if kind is dict and TYPE not in value and all(type(key) is str for key in value):
        return {clean_text(key): pack(one) for key, one in value.items()}
    return {TYPE: _named(kind, value)}


def unpack(packed: Any) -> Any:
    """The value again. Raises UnportableError for a type that is not known here."""
    if isinstance(packed, list):
        return [unpack(one) for one in packed]
    if not isinstance(packed, dict):
        return packed
    if packed.keys() != {TYPE}:
        return {key: unpack(one) for key, one in packed.items()}
    name, content = packed[TYPE]
    kind = BY_NAME.get(name) or _found(name)
    if kind in SIMPLE:
        return SIMPLE[kind][1](content)
    if kind in COLLECTIONS:
        return COLLECTIONS[kind](unpack(content))
    return _made(kind, unpack(content))


def _named(kind: type, value: Any) -> list[Any]:
    if kind in SIMPLE:
        return [kind.__name__, SIMPLE[kind][0](value)]
    if kind in COLLECTIONS:
        members = value.items() if kind is dict else value
        return [kind.__name__, [pack(one) for one in members]]
    name = f"{kind.__module__}:{kind.__qualname__}"
    if issubclass(kind, Enum):
        return [name, pack(value.value)]
    if is_dataclass(kind):
        return [name, {one.name: pack(getattr(value, one.name)) for one in fields(kind)}]
    if issubclass(kind, BaseModel):
        return [name, {key: pack(one) for key, one in value}]
    raise UnportableError(f"a {kind.__name__} has no form in JSON that keeps its type")


def _found(name: str) -> type:
    """The class of that name, of the kinds above, in a module that is loaded already."""
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum | BaseModel)):
        return found
    raise UnportableError(f"there is no class {name} here")


def _made(kind: type, content: Any) -> Any:
    if issubclass(kind, Enum):
        return kind(content)
    if issubclass(kind, BaseModel):
        return kind.model_construct(**content)
    made = object.__new__(kind)
    for name, value in content.items():
        object.__setattr__(made, name, value)
    return made
