"""Transactions of several sessions, taken step by step against each other in a given order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from oppspot_runner.db.pool import Connection, Database

Step = Callable[[Connection], Awaitable[Any]]


@asynccontextmanager
async def session(db: Database) -> AsyncIterator[Connection]:
    """A connection of its own, in autocommit mode."""
    connection = await db.connect()
    try:
        yield connection
    finally:
        await connection.close()


class Stepper:
    """One transaction: BEGIN, the given steps, COMMIT. `results` are what the steps returned."""

    def __init__(self, connection: Connection, *steps: Step) -> None:
        self.connection = connection
        self.steps: list[Step] = [begin, *steps, commit]
        self.results: list[Any] = []
        self.last: asyncio.Task[None] | None = None

    def start_next(self, group: asyncio.TaskGroup) -> None:
        """Starts the next step as soon as the one before it is done."""
        before, step = self.last, self.steps.pop(0)

        async def after() -> None:
            if before is not None:
                await before
            self.results.append(await step(self.connection))

        self.last = group.create_task(after())

    async def done_or_blocked(self, db: Database) -> None:
        """Waits until all that was started is done, or the session waits for a lock."""
        pid = self.connection.info.backend_pid
        while self.last is not None and not self.last.done():
            row = await db.fetch_one("SELECT cardinality(pg_blocking_pids(%s)) AS n", (pid,))
            if row and row["n"]:
                return
            await asyncio.sleep(0)


async def begin(connection: Connection) -> None:
    await connection.execute("BEGIN")


async def commit(connection: Connection) -> None:
    await connection.execute("COMMIT")


async def interleave(db: Database, steppers: Mapping[str, Stepper], order: Sequence[str]) -> None:
    """Takes the next step of each name in `order`, and then waits until nobody moves any more."""
    async with asyncio.TaskGroup() as group:
        for name in order:
            steppers[name].start_next(group)
            for stepper in steppers.values():
                await stepper.done_or_blocked(db)
