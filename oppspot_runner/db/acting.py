"""The database as one actor sees it, in one transaction.

What an operation may see and change is decided by Postgres, not by the operation: for an actor of
an organisation the transaction runs under a role that policies of sql/ hold to the rows of his
organisation. So all code that takes a `Database` can be lent one that is an actor's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import errors

from oppspot_runner.base.actor import Actor
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database

ACT = statement("access/act")
LACKS = statement("access/lacks")
API_ROLE = "oppspot_api"
OLDEST_SERVER = 150000  # before, views showed the rows of everybody
ROLE_REFUSED = (errors.InvalidParameterValue, errors.InsufficientPrivilege)


class BoundDatabase(Database):
    """A `Database` that is one connection of another, mostly with an open transaction: all its
    statements run there.

    `transaction()` is then a savepoint. It cannot be opened or closed. `actor` is who looks.
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

    Commits at the end, rolls back on an error. An operator acts with the rights of this process;
    one that only reads needs no transaction: to begin and to end it would cost more than most of
    what he asks. Raises ConfigurationError where the database is not ready for organisations.
    """
    if actor.is_operator and read_only:
        async with database.connection() as connection:
            yield BoundDatabase(database, connection, actor)
        return
    begun = False
    try:
        async with database.connection() as connection, _begun(connection, read_only=read_only):
            if not actor.is_operator:
                await _act(connection, actor)
            begun = True
            yield BoundDatabase(database, connection, actor)
    except ROLE_REFUSED:
        if begun:
            raise
        raise await not_ready(database) from None


@asynccontextmanager
async def _begun(connection: Connection, *, read_only: bool) -> AsyncIterator[None]:
    """A transaction, begun as one that changes nothing where that is wanted: one statement."""
    await connection.set_read_only(read_only)
    try:
        async with connection.transaction():
            yield
    finally:
        if not connection.closed:
            await connection.set_read_only(None)


async def _act(connection: Connection, actor: Actor) -> None:
    if connection.info.server_version < OLDEST_SERVER:
        raise errors.InvalidParameterValue
    await connection.execute(ACT, {"token": actor.proof or "", "role": API_ROLE})


async def require_organisations(database: Database) -> None:
    """Raises ConfigurationError where tokens of organisations would be refused."""
    if await database.fetch_all(LACKS):
        raise await not_ready(database)


async def not_ready(database: Database) -> ConfigurationError:
    """Why organisations cannot use HTTP on this database, and the SQL that changes it."""
    rows = await database.fetch_all(LACKS)
    return ConfigurationError(
        f"organisations cannot use HTTP yet: {'; '.join(row['what'] for row in rows)}",
        hint=f"Let an administrator of the database run: {' '.join(row['fix'] for row in rows)}",
    )
