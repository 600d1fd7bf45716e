"""Keeps the planner from compiling statements that it takes for dearer than they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database

WITHOUT_JIT = statement("streams/without_jit")


@asynccontextmanager
async def without_jit(db: Database) -> AsyncIterator[Connection]:
    """A connection in a transaction in which nothing is compiled."""
    async with db.transaction() as tx:
        await tx.execute(WITHOUT_JIT)
        yield tx
