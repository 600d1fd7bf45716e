"""Tables that outgrew what the server knows of them."""

from __future__ import annotations

from psycopg import sql

from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

BRIEFLY = statement("growth/briefly")
OUTGROWN = statement("growth/outgrown")
ANALYZE = statement("growth/analyze")


async def analyze_outgrown(database: Database) -> list[str]:
    """Has tables of ours analyzed that were small when they last were, and grew; their names.

    Every session then plans anew what reads them. A table that somebody holds for that already is
    left to him. Raises psycopg.errors.LockNotAvailable where somebody rebuilds a table of ours.
    """
    async with database.transaction() as connection:
        await connection.execute(BRIEFLY)
        found = await (await connection.execute(OUTGROWN)).fetchall()
    async with database.connection() as connection:
        for row in found:
            table, column = sql.Identifier(row["name"]), sql.Identifier(row["first_column"])
            await connection.execute(sql.SQL(ANALYZE).format(table=table, column=column))
    return [row["name"] for row in found]
