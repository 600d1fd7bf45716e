"""One page of a search among all companies, in a time that does not depend on what is asked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import sql

from oppspot_runner.companies.search import Hit, SearchPage
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.streams.planning import without_jit

BY_ID = statement("streams/by_id")
END_OF_LOOK = statement("streams/end_of_look")
FIND = statement("streams/find_companies")
PLAN = sql.SQL(statement("streams/plan_search")).format(search=sql.SQL(FIND))

LOOK = 1_000  # companies that one page looks at when no index helps: some milliseconds
NARROW_COST = 15_000.0  # of the planner: some 5,000 rows all over the table, about 20 ms


async def find_page(
    db: Database, wanted: dict[str, Any], *, after: UUID | None, limit: int
) -> SearchPage:
    """At most `limit` companies by id, from the one after `after`.

    `wanted` are the other parameters of the statement. Where indexes leave few companies to look
    at, all of them are; else the next `LOOK`.
    """
    values = {**wanted, "after": after, "upto": None, "limit": None}
    async with without_jit(db) as tx:
        narrow = await _is_narrow(tx, values)
        if not narrow:
            values["upto"] = await _end_of_look(tx, after)
            await tx.execute(BY_ID)
        cursor = await tx.execute(FIND, {**values, "limit": limit}, prepare=not narrow)
        hits = [Hit(row["id"], row["in_stream"], row["ruled_out"]) async for row in cursor]
    return SearchPage(hits, hits[-1].id if len(hits) == limit else values["upto"])


async def _is_narrow(tx: Connection, values: dict[str, Any]) -> bool:
    """Whether the planner has indexes that leave few rows to look at."""
    row = await (await tx.execute(PLAN, values)).fetchone()
    assert row is not None
    return bool(row["QUERY PLAN"][0]["Plan"]["Total Cost"] <= NARROW_COST)


async def _end_of_look(tx: Connection, after: UUID | None) -> UUID | None:
    row = await (await tx.execute(END_OF_LOOK, {"after": after, "last": LOOK - 1})).fetchone()
    return row["id"] if row else None
