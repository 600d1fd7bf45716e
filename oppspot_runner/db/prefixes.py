"""Finds rows by what people type of an id: its first characters."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.base.payload import only_one, uuid_range
from oppspot_runner.db.pool import Database


async def by_prefix(database: Database, query: LiteralString, text: str, what: str) -> UUID:
    """The only id that begins with `text` by a query for a range of ids.

    Raises NotFoundError, or InvalidInputError when there are several.
    """
    bounds = uuid_range(text)
    rows = []
    if bounds is not None:
        rows = await database.fetch_all(query, {"low": bounds[0], "high": bounds[1]})
    if not rows:
        raise NotFoundError(
            f"there is no {what} {text[:200]!r}",
            hint="Give its id, or the first characters of it (at least 4).",
        )
    return only_one([row["id"] for row in rows], f"{what} {text}")
