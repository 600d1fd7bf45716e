"""Connections that sleep while they wait, and those of a pool, which do not wait for ever."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from psycopg import AsyncConnection, OperationalError
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow

ASLEEP_S = 3600.0  # at most; whatever ends a wait wakes the loop


class QuietConnection(AsyncConnection[DictRow]):
    """psycopg looks up ten times a second, which made half of the work of an idle runner."""

    async def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """As in the base class."""
        return await super().wait(gen, *args, **{"interval": ASLEEP_S, **kwargs})

    async def __aexit__(self, *raised: Any) -> None:
        """As in the base class, and closes it also where the rollback is cancelled."""
        try:
            await super().__aexit__(*raised)
        finally:
            if not getattr(self, "_pool", None):
                await self.close()


class SilenceError(OperationalError):
    """The server gave no answer in a time in which it must."""


class PooledConnection(QuietConnection):
    """A connection that is not waited for longer than a statement may take.

    What stands between us and the server may keep a connection open whose other end is gone; then
    neither an answer nor an error ever comes.
    """

    answer_s = 60.0

    @classmethod
    async def connect(cls, conninfo: str = "", *, ready: Any = None, **options: Any) -> Self:
        """As in the base class, or one that is `ready`, if there is any."""
        return ready.pop() if ready else await super().connect(conninfo, **options)

    async def commit(self) -> None:
        """As in the base class; what leaves the pool and comes back mostly has nothing open."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            await super().commit()

    async def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """As in the base class; raises SilenceError after `answer_s` seconds."""
        try:
            async with asyncio.timeout(self.answer_s):
                return await super().wait(gen, *args, **kwargs)
        except TimeoutError:
            raise SilenceError(f"the server gave no answer within {self.answer_s:g} s") from None
