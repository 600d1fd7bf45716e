"""Organisations: make one, list them, find one by id or name."""

from __future__ import annotations

from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.base.payload import only_one, plain_text
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

ADD = statement("directory/add_organization")
FIND = statement("directory/find_organizations")
LIST = statement("directory/list_organizations")
MOST_NAME = 200


async def add_organization(database: Database, name: str) -> DictRow:
    """Makes one. Raises InvalidInputError for a name that is empty or too long."""
    given = plain_text(name, "the name of the organisation", most=MOST_NAME).strip()
    row = await database.fetch_one(ADD, {"name": given})
    assert row is not None
    return row


async def list_organizations(database: Database) -> list[DictRow]:
    """All of them by name, each with how many agents, streams and good tokens it has."""
    return await database.fetch_all(LIST)


async def find_organization(database: Database, name: str) -> UUID:
    """The id of the one with that id or name.

    Raises NotFoundError, or InvalidInputError when there are several.
    """
    rows = await database.fetch_all(FIND, {"name": plain_text(name, "the organisation")})
    if not rows:
        raise NotFoundError(
            f"there is no organisation {name[:200]!r}",
            hint="See `oppspot-runner organizations list`, or make it with `organizations create`.",
        )
    return only_one([row["id"] for row in rows], f"organisation {name}")
