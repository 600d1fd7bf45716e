"""Pages of lists: a cursor names the last row that was seen, so that new rows shift nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel
from pydantic_core import to_json

from oppspot_runner.base.errors import InvalidInputError

MOST_ROWS = 200
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows of a page.")]
Cursor = Annotated[
    str | None, Query(max_length=1000, description="`next_cursor` of the page before.")
]


class Page(BaseModel, Generic[T]):
    """One page; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None


def page_of(rows: Sequence[T], limit: int, key: Callable[[T], Sequence[Any]]) -> Page[T]:
    """A page of `limit` of these rows, of which one more was read.

    `key` gives the values of the cursor for a row.
    """
    shown = list(rows[:limit])
    return Page(items=shown, next_cursor=encode(key(shown[-1])) if len(rows) > limit else None)


def page_as(
    model: type[M],
    rows: Sequence[Mapping[str, Any]],
    limit: int,
    key: Callable[[Mapping[str, Any]], Sequence[Any]],
) -> Page[M]:
    """As `page_of`, for rows of the database that are shown as a model."""
    page = page_of(rows, limit, key)
    shown = [model.model_validate(row) for row in page.items]
    return Page(items=shown, next_cursor=page.next_cursor)


def page_sent(rows: Sequence[Mapping[str, Any]], next_cursor: str | None) -> Response:
    """A page of rows whose columns are those of its model, as JSON.

    To check each of them for each request took a fifth of the time; the tests do it.
    """
    page = {"items": rows, "next_cursor": next_cursor}
    content = to_json(page, inf_nan_mode="null")  # JSON knows no infinity
    return Response(content, media_type="application/json")


def place_after(cursor: str | None, *parts: Callable[[str], Any]) -> tuple[Any, ...] | None:
    """What a cursor says, each value read by its function. Raises InvalidInputError as `decode`."""
    values = decode(cursor, len(parts))
    if values is None:
        return None
    try:
        return tuple(part(value) for part, value in zip(parts, values, strict=True))
    except (ValueError, ArithmeticError):
        raise _not_ours() from None


def id_after(cursor: str | None) -> UUID | None:
    """The id that a cursor holds, where rows are in the order of their ids."""
    place = place_after(cursor, UUID)
    return None if place is None else place[0]


def page_within(
    model: type[M],
    rows: Iterable[Mapping[str, Any]],
    limit: int,
    cursor: str | None,
    key: Callable[[Mapping[str, Any]], Sequence[str]],
) -> Page[M]:
    """A page of rows that were all read, because there are few: in the order of `key`."""
    ordered = sorted(rows, key=lambda row: tuple(key(row)))
    if ordered:
        after = decode(cursor, len(key(ordered[0])))
        ordered = [row for row in ordered if after is None or list(key(row)) > after]
    return page_as(model, ordered[: limit + 1], limit, key)


def encode(values: Sequence[Any]) -> str:
    """The cursor that stands for these values."""
    return base64.urlsafe_b64encode(to_json([str(value) for value in values])).decode().rstrip("=")


def decode(cursor: str | None, size: int = 1) -> list[str] | None:
    """The `size` values of a cursor; None at the beginning, where there is none or it is empty.

    Raises InvalidInputError for one that we did not make.
    """
    if not cursor:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        values = None
    if (
        not isinstance(values, list)
        or len(values) != size
        or not all(isinstance(value, str) and "\0" not in value for value in values)
    ):
        raise _not_ours()
    return values


def _not_ours() -> InvalidInputError:
    return InvalidInputError("cursor is none that we gave", hint="Begin without a cursor.")
