"""Where a client's operations run: on connections of its own, or on the caller's.

On its own each operation is one transaction. On the caller's connection it runs inside the caller's
transaction, in a savepoint, and is never committed here: that stays with the caller, and an
operation that fails leaves the rest of the transaction usable.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import PoolClosed, PoolTimeout

from oppspot_runner.base.errors import ConfigurationError, ConflictError, DatabaseError
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Finished, Operation, begin, drive, drive_async
from oppspot_runner.db.pool import (
    Database,
    connect_blocking,
    conninfo,
    describe,
    is_away,
    unreachable,
)

SESSION_FACTS = statement("session/facts")
SESSION_SCHEMA = statement("session/schema")

# Connections of a pool that may be found broken, one after the other, when a server came back.
MOST_BROKEN = 12

R = TypeVar("R")


class OwnSession:
    """Operations of threads on one connection, which is opened when it is first needed.

    Threads take turns. A connection that broke while nothing ran on it is replaced; a process that
    forked gets its own.
    """

    def __init__(self, dsn: str, schema: str) -> None:
        self.dsn = dsn
        self.schema = schema
        self.conninfo = conninfo(dsn)
        # An operation may read a generator of the caller's, and that use the same client.
        self._lock = threading.RLock()
        self._connection: Connection[DictRow] | None = None
        self._pid = 0

    def run(self, operation: Operation[R]) -> R:
        """Runs `operation` in a transaction of its own."""
        call = begin(operation)
        if isinstance(call, Finished):
            return call.value
        with self._lock:
            try:
                return self._run(self._current() or self._fresh(), operation, call)
            except _BrokenBefore:
                return self._run(self._fresh(), operation, call)

    def close(self) -> None:
        """Closes the connection, if there is one. The next operation would open another."""
        with self._lock:
            if (connection := self._current()) is not None:
                connection.close()
            self._connection = None

    def refuse_wait(self) -> None:
        """Waiting is fine here: nobody else's transaction is on."""

    def _run(self, connection: Connection[DictRow], operation: Operation[R], call: Call) -> R:
        begun = False
        try:
            with connection.transaction(), connection.cursor() as cursor:
                facts = cursor.execute(SESSION_FACTS).fetchone()
                begun = True
                # Behind a pooler the session that we set up may have been another one.
                if facts is not None and facts["schema"] != self.schema:
                    cursor.execute(SESSION_SCHEMA, {"schema": self.schema})
                return drive(cursor, operation, call)
        except psycopg.OperationalError as error:
            if not begun and connection.closed:
                raise _BrokenBefore from error
            raise _failed(self.dsn, error) from error

    def _current(self) -> Connection[DictRow] | None:
        connection = self._connection
        usable = connection is not None and not connection.closed and self._pid == os.getpid()
        return connection if usable else None

    def _fresh(self) -> Connection[DictRow]:
        try:
            self._connection = connect_blocking(self.conninfo, self.schema)
        except psycopg.OperationalError as error:
            raise unreachable(self.dsn, error) from None
        self._pid = os.getpid()
        return self._connection


class _BrokenBefore(Exception):
    """The connection turned out to be broken before the operation began."""


class GivenSession:
    """Operations on the caller's connection."""

    def __init__(self, connection: Connection[Any], schema: str | None = None) -> None:
        self.connection = connection
        self.schema = schema

    def run(self, operation: Operation[R]) -> R:
        """Runs `operation` inside the caller's transaction."""
        call = begin(operation)
        if isinstance(call, Finished):
            return call.value
        connection = self.connection
        with connection.cursor(row_factory=dict_row) as cursor:
            # Outside autocommit this begins the caller's transaction, so that ours is a savepoint.
            facts = cursor.execute(SESSION_FACTS).fetchone()
            _check_schema(facts, self.schema)
            with connection.transaction():
                return drive(cursor, operation, call)

    def close(self) -> None:
        """Leaves the connection to its owner."""

    def refuse_wait(self) -> None:
        """Raises ConflictError inside a transaction: nobody sees what it holds until it ends."""
        _refuse_wait(self.connection.autocommit, self.connection.info.transaction_status)


class AsyncSession(Protocol):
    """Where operations of coroutines run."""

    async def run(self, operation: Operation[R]) -> R: ...

    async def close(self) -> None: ...

    def refuse_wait(self) -> None: ...


class OwnAsyncSession:
    """Operations of coroutines on a pool, which is opened when it is first needed."""

    def __init__(self, database: Database, *, opened: bool) -> None:
        self.database = database
        self._opening = asyncio.Lock()
        self._opened = self._theirs = opened

    async def run(self, operation: Operation[R]) -> R:
        """Runs `operation` in a transaction of its own."""
        call = begin(operation)
        if isinstance(call, Finished):
            return call.value
        await self.open()
        for _ in range(MOST_BROKEN):
            begun = False
            try:
                async with self.database.transaction() as connection:
                    begun = True
                    async with connection.cursor() as cursor:
                        return await drive_async(cursor, operation, call)
            except psycopg.OperationalError as error:
                if begun or isinstance(error, PoolTimeout | PoolClosed):
                    raise _failed(self.database.dsn, error) from error
        raise DatabaseError(f"all connections to {describe(self.database.dsn)} are broken")

    async def close(self) -> None:
        """Closes the pool, unless it is the caller's."""
        if self._opened and not self._theirs:
            await self.database.close()

    def refuse_wait(self) -> None:
        """Waiting is fine here: nobody else's transaction is on."""

    async def open(self) -> None:
        """Opens the pool, unless it is open."""
        async with self._opening:
            if not self._opened:
                await self.database.open()
                self._opened = True


class GivenAsyncSession:
    """Operations on the caller's async connection."""

    def __init__(self, connection: AsyncConnection[Any], schema: str | None = None) -> None:
        self.connection = connection
        self.schema = schema

    async def run(self, operation: Operation[R]) -> R:
        """Runs `operation` inside the caller's transaction."""
        call = begin(operation)
        if isinstance(call, Finished):
            return call.value
        connection = self.connection
        async with connection.cursor(row_factory=dict_row) as cursor:
            facts = await (await cursor.execute(SESSION_FACTS)).fetchone()
            _check_schema(facts, self.schema)
            async with connection.transaction():
                return await drive_async(cursor, operation, call)

    async def close(self) -> None:
        """Leaves the connection to its owner."""

    def refuse_wait(self) -> None:
        """Raises ConflictError inside a transaction: nobody sees what it holds until it ends."""
        _refuse_wait(self.connection.autocommit, self.connection.info.transaction_status)


def _failed(dsn: str, error: psycopg.OperationalError) -> DatabaseError:
    if is_away(error):
        return unreachable(dsn, error)
    said = error.diag.message_primary or " ".join(str(error).split())
    return DatabaseError(said, hint="Nothing was written: try again.")


def _check_schema(facts: DictRow | None, wanted: str | None) -> None:
    found = facts["schema"] if facts else None
    if wanted is not None and found != wanted:
        raise ConfigurationError(
            f"the connection's search_path leads to {found!r}, not to {wanted!r}",
            hint=f"Execute `SET search_path TO {wanted}` on it first.",
        )


def _refuse_wait(autocommit: bool, status: TransactionStatus) -> None:
    if not autocommit or status is not TransactionStatus.IDLE:
        raise ConflictError(
            "a task cannot be waited for inside a transaction: no runner sees it before the commit",
            hint="Commit first and wait on a connection in autocommit mode, or use Client(dsn).",
        )
