"""Connections to one Postgres database and schema: the pool, sessions, transactions.

Knows nothing of tables. A connection is in autocommit mode outside `transaction()`; rows are
dictionaries; the session's time zone is UTC and its search_path leads to our schema.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, LiteralString, TypeAlias
from weakref import WeakSet

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from oppspot_runner.base.errors import DatabaseError
from oppspot_runner.base.payload import tolerant_loads
from oppspot_runner.db.cancelling import none_lost
from oppspot_runner.db.files import statement
from oppspot_runner.db.quiet import PooledConnection, QuietConnection, SilenceError

Connection: TypeAlias = AsyncConnection[DictRow]
Query: TypeAlias = LiteralString | bytes | sql.Composed
Params: TypeAlias = Mapping[str, Any] | Sequence[Any] | None

SESSION_FACTS = statement("session/facts")
SESSION_PREPARE = statement("session/prepare")
SESSION_SCHEMA = statement("session/schema")

# A peer that vanished without a word is noticed within about 25 s: instead of two hours while
# nothing is sent, and of a quarter of an hour while something waits to be acknowledged.
KEEPALIVE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
HOW_WE_WORK: dict[str, Any] = {"autocommit": True, "row_factory": dict_row}
LATE_S = 5.0  # how much later than statement_timeout an answer may come
# What passes by itself: a server that is away, restarts or only reads; a full disk, a deadlock.
DATABASE_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
    PoolTimeout,
    DatabaseError,
)
# What the content of a row can provoke, as opposed to a fault in our statements.
BAD_CONTENT = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
DATABASE_ERROR = psycopg.Error
# It is one of DATABASE_AWAY as well: whoever has patience with that would try it for ever.
TOOK_TOO_LONG = psycopg.errors.QueryCanceled


def conninfo(dsn: str, *, application: str = "oppspot-runner") -> str:
    """`dsn` with our keep-alive settings and name, unless it sets its own.

    Raises DatabaseError when it is no connection string.
    """
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        raise DatabaseError(
            f"DATABASE_URL is not a connection string: {str(error).strip()}",
            hint="It looks like postgresql://user:password@host:5432/database.",
        ) from None
    settings: dict[str, Any] = {**KEEPALIVE, "application_name": application, **given}
    return make_conninfo(**settings)


def describe(dsn: str) -> str:
    """Host, port and database of `dsn` without user or password, for messages."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return "an unreadable connection string"
    host, port = given.get("host") or "localhost", given.get("port") or 5432
    name = str(given.get("dbname") or given.get("user") or "")
    if "@" in f"{host}{name}" or ":" in name:  # cut in the wrong place: part may be a password
        return "of DATABASE_URL (special characters in its password must be percent-encoded)"
    return f"{host}:{port}/{name}"


def unreachable(dsn: str, error: Exception) -> DatabaseError:
    """The error for a database that does not answer, in one line and without the password."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[0].rsplit("failed: ", 1)[-1] if lines else type(error).__name__
    return DatabaseError(
        f"cannot reach the database {describe(dsn)}: {reason}",
        hint="Check DATABASE_URL and that the server runs; see `oppspot-runner status`.",
    )


class Database:
    """A pool of connections to `dsn`; `schema` is where our tables live.

    Whoever wants a connection waits for at most `patience_s` seconds. Where a pooler stands in
    between, `direct_dsn` leads past it: see `connect`.
    """

    def __init__(
        self,
        dsn: str,
        *,
        schema: str = "public",
        max_size: int = 4,
        statement_timeout_s: float = 60,
        patience_s: float = 10,
        application: str = "oppspot-runner",
        direct_dsn: str | None = None,
    ) -> None:
        self.dsn = dsn
        self.schema = schema
        self.conninfo = conninfo(dsn, application=application)
        self.direct_conninfo = conninfo(direct_dsn or dsn, application=application)
        self.statement_timeout_s = statement_timeout_s
        self.pooled = False  # whether a connection pooler stands in between; known after open()
        self._ready: list[PooledConnection] = []
        self._pool = AsyncConnectionPool[PooledConnection](
            self.conninfo,
            connection_class=PooledConnection,
            kwargs={**HOW_WE_WORK, "ready": self._ready},
            min_size=1,
            max_size=max_size,
            timeout=patience_s,
            # Its pauses between attempts double. Given up early, the next who asks tries at once.
            reconnect_timeout=patience_s,
            open=False,
            configure=self._configure,
            name=application,
        )
        self._lines: WeakSet[PooledConnection] = WeakSet()

    async def open(self) -> Database:
        """Connects to see that it works, and begins the pool with that. Raises DatabaseError."""
        try:
            await self._open()
        except psycopg.Error as error:
            raise unreachable(self.dsn, error) from None
        return self

    async def _open(self) -> None:
        try:
            with none_lost():
                first = await PooledConnection.connect(self.conninfo, **HOW_WE_WORK)
                self._ready.append(first)
                await self._configure(first)
                self.pooled = await is_pooled(first)
                await self._pool.open(wait=True)  # else the first query would open two more
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Closes all connections. May be called twice."""
        await self._pool.close()
        while self._ready:
            await self._ready.pop().close()

    async def __aenter__(self) -> Database:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> Connection:
        """One more connection, outside the pool, for LISTEN or a long piece of work."""
        connection = await QuietConnection.connect(self.direct_conninfo, **HOW_WE_WORK)
        try:
            await self.prepare_session(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _configure(self, connection: PooledConnection) -> None:
        if connection in self._lines:
            return
        self._lines.add(connection)
        connection.answer_s = self.statement_timeout_s + LATE_S
        await self.prepare_session(connection)

    async def prepare_session(self, connection: Connection) -> None:
        """Sets time zone, statement timeout and search_path; makes a pooler bearable."""
        set_json_loads(tolerant_loads, connection)
        facts = await (await connection.execute(SESSION_FACTS)).fetchone()
        assert facts is not None
        if facts["pid"] != connection.info.backend_pid:
            # Behind a pooler in transaction mode a prepared statement or a session setting
            # may meet another server connection, so we use as little of both as possible.
            connection.prepare_threshold = None
            await connection.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
        else:
            await connection.execute(
                SESSION_PREPARE, {"timeout_ms": int(self.statement_timeout_s * 1000)}
            )
        if facts["schema"] != self.schema:
            await connection.execute(SESSION_SCHEMA, {"schema": self.schema})

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool in autocommit mode."""
        try:
            async with self._pool.connection() as connection:
                yield connection
        except SilenceError:
            await self.renew()  # it is hardly the only one
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction: commits at the end, rolls back on an error."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def renew(self) -> None:
        """Replaces all connections, those in use when they come back: they may lead nowhere."""
        await self._pool.drain()

    def use(self) -> Mapping[str, int]:
        """How the pool is used, in the numbers of psycopg_pool."""
        return self._pool.get_stats()

    def cut_all(self) -> None:
        """Cuts the lines of all connections of the pool, from any thread."""
        for connection in list(self._lines):
            cut(connection)

    async def ping(self) -> None:
        """One round trip on a connection of the pool; raises what is wrong with it."""
        await self.fetch_one(SESSION_FACTS)

    async def fetch_all(self, query: Query, params: Params = None) -> list[DictRow]:
        """All rows of one statement in a transaction of its own."""
        async with self.connection() as connection:
            return await (await connection.execute(query, params)).fetchall()

    async def fetch_one(self, query: Query, params: Params = None) -> DictRow | None:
        """The first row of one statement, or None."""
        async with self.connection() as connection:
            return await (await connection.execute(query, params)).fetchone()

    async def execute(self, query: LiteralString, params: Params = None) -> int:
        """Runs one statement; the number of rows that it touched."""
        async with self.connection() as connection:
            return (await connection.execute(query, params)).rowcount


def cut(connection: psycopg.Connection[DictRow] | Connection) -> None:
    """Cuts the line to the server, from any thread: whoever waits for an answer gets an error, and
    an open transaction is rolled back."""
    with (
        suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)


def is_away(error: BaseException) -> bool:
    """Whether the server or the way to it is gone, as opposed to a statement that failed."""
    if isinstance(error, PoolTimeout | psycopg.InterfaceError | DatabaseError):
        return True
    if not isinstance(error, psycopg.OperationalError):
        return isinstance(error, psycopg.errors.ReadOnlySqlTransaction)
    return error.sqlstate is None or error.sqlstate.startswith(("08", "53", "57P"))


async def is_pooled(connection: Connection) -> bool:
    """Whether the server process that answers is another one than the one we were told of."""
    facts = await (await connection.execute(SESSION_FACTS)).fetchone()
    return facts is not None and facts["pid"] != connection.info.backend_pid


def connect_blocking(conninfo: str, schema: str) -> psycopg.Connection[DictRow]:
    """A connection without prepared statements, for a thread; search_path leads to `schema`."""
    connection = psycopg.Connection[DictRow].connect(
        conninfo, autocommit=True, row_factory=dict_row, prepare_threshold=None
    )
    facts = connection.execute(SESSION_FACTS).fetchone()
    if facts is not None and facts["schema"] != schema:
        connection.execute(SESSION_SCHEMA, {"schema": schema})
    return connection
