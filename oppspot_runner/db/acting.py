"""The database as one actor sees it, in one transaction.

What an operation may see and change is decided by Postgres, not by the operation: for an actor of
an organisation the transaction runs under a role that policies of sql/ hold to the rows of his
organisation. So all code that takes a `Database` can be lent one that is an actor's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from oppspot_runner.base.actor import Actor
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database

ACT = statement("access/act")
API_ROLE = "oppspot_api"


class BoundDatabase(Database):
    """A `Database` that is one open transaction of another: all its statements run there.

    `transaction()` is a savepoint. It cannot be opened or closed. `actor` is who looks.
    """

    def __init__(self, whole: Database, connection: Connection, actor: Actor) -> None:
        self.dsn, self.schema, self.conninfo = whole.dsn, whole.schema, whole.conninfo
        self.statement_timeout_s, self.pooled = whole.statement_timeout_s, whole.pooled
        self.bound = connection
        self.actor = actor

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """The connection of the transaction."""
        yield self.bound

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A savepoint: what fails in it leaves the rest of the transaction usable."""
        async with self.bound.transaction():
            yield self.bound


@asynccontextmanager
async def acting(
    database: Database, actor: Actor, *, read_only: bool
) -> AsyncIterator[BoundDatabase]:
    """One transaction in which `actor` sees and changes what he may.

    Commits at the end, rolls back on an error. An operator acts with the rights of this process.
    """
    async with database.transaction() as connection:
        told = {
            "token": actor.proof or "",
            "read_only": "on" if read_only else "off",
            "role": None if actor.is_operator else API_ROLE,
        }
        await connection.execute(ACT, told)
        yield BoundDatabase(database, connection, actor)
