"""A database that forgets: what is written there is seen there, and gone at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from oppspot_runner.db.pool import Connection, Database


class ShadowDatabase(Database):
    """One transaction of another `Database`, on a connection of its own, that is never committed.

    The connection is made when something is asked first. Each use of it is a savepoint; those of
    several asyncio tasks take turns. An async context manager.
    """

    def __init__(self, whole: Database) -> None:
        self.dsn, self.schema, self.conninfo = whole.dsn, whole.schema, whole.conninfo
        self.statement_timeout_s, self.pooled = whole.statement_timeout_s, whole.pooled
        self._whole = whole
        self._opened: Connection | None = None
        self._to_end = AsyncExitStack()
        self._turn = asyncio.Lock()
        self._holder: asyncio.Task[object] | None = None

    async def __aenter__(self) -> ShadowDatabase:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Forgets all."""
        await self._to_end.aclose()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """The connection, in a savepoint."""
        me = asyncio.current_task()
        if self._holder is me and self._opened is not None:
            async with self._opened.transaction():
                yield self._opened
            return
        async with self._turn:
            self._holder = me
            try:
                connection = self._opened = self._opened or await self._begun()
                async with connection.transaction():
                    yield connection
            finally:
                self._holder = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """The same: a savepoint."""
        async with self.connection() as connection:
            yield connection

    async def _begun(self) -> Connection:
        connection = await self._whole.connect()
        self._to_end.push_async_callback(connection.close)
        await self._to_end.enter_async_context(connection.transaction(force_rollback=True))
        return connection
