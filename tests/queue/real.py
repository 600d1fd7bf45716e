"""The real queue, driven through the package's own functions on several connections.

Each session is told the time before it is used, so that nothing waits for a clock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.outcome import Outcome
from oppspot_runner.base.task import Task
from oppspot_runner.db.operation import Operation
from oppspot_runner.db.pool import Connection, Database, Params
from oppspot_runner.db.sessions import OwnAsyncSession
from oppspot_runner.queue import members, store
from oppspot_runner.queue.abilities import Abilities
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.members import Beat, BeatConnection, Condition, Membership
from oppspot_runner.queue.settlement import settlement
from oppspot_runner.runner.config import RunnerConfig

R = TypeVar("R")

LARGE = 2**31 - 20  # where numbers of four bytes end soon
START_HIGH = """
    SELECT setval(s::regclass, %s) FROM unnest(
        ARRAY['agent_tasks_run_token_seq', 'agent_tasks_ready_seq', 'task_runners_id_seq']) s
"""
EMPTY = """
    WITH t AS (DELETE FROM agent_tasks), e AS (DELETE FROM agent_executions),
         r AS (DELETE FROM task_runners), p AS (DELETE FROM task_pauses),
         h AS (DELETE FROM task_handoffs)
    DELETE FROM agent_steps
"""
PROMISE = """
    WITH e AS (
        INSERT INTO agent_executions (task_id, attempt, status) VALUES (%s, 1, 'queued')
        RETURNING id, task_id)
    UPDATE agent_tasks t SET execution_id = e.id FROM e WHERE t.id = e.task_id
"""
SET_TIME = "SELECT set_config('oppspot.now', %s, false)"
SEEN = """
    SELECT t.*, e.attempts FROM agent_tasks t LEFT JOIN (
        SELECT task_id, jsonb_object_agg(attempt, status) AS attempts
        FROM agent_executions GROUP BY task_id) e ON e.task_id = t.id
"""
# As those of the program, but counted up, so that their order is the same in every run.
ORDERLY_IDS = """
    CREATE SEQUENCE made_ids;
    CREATE OR REPLACE FUNCTION oppspot_uuid() RETURNS uuid LANGUAGE sql VOLATILE
    RETURN (lpad(to_hex((extract(epoch FROM oppspot_now()) * 1000)::bigint), 12, '0')
            || '70008' || lpad(to_hex(nextval('made_ids')), 15, '0'))::uuid
"""


class Heart(BeatConnection):
    """A heartbeat's connection that is told the time of the queue."""

    queue: RealQueue

    def _open(self) -> psycopg.Connection[DictRow]:
        connection = super()._open()
        connection.execute(SET_TIME, (self.queue.now.isoformat(),))
        return connection


class RealQueue:
    """Sessions 0 to `sessions` - 1, each a pool of one connection; `now` is their time."""

    def __init__(self, databases: Sequence[Database], now: datetime) -> None:
        self.databases = databases
        self.now = now
        self.claimers: dict[int, Claimer] = {}
        self.hearts: dict[int, Heart] = {}
        self._told: dict[Database, datetime] = {}

    @asynccontextmanager
    async def session(self, number: int) -> AsyncIterator[Connection]:
        """The connection of a session, in autocommit mode, at the right time."""
        database = self.databases[number]
        async with database.connection() as connection:
            await self._tell(database, connection)
            yield connection

    async def _tell(self, database: Database, connection: Connection) -> None:
        if self._told.get(database) != self.now:
            await connection.execute(SET_TIME, (self.now.isoformat(),))
            self._told[database] = self.now

    async def at(self, number: int) -> Database:
        """A session as a database, at the right time."""
        async with self.session(number):
            return self.databases[number]

    async def on(
        self, number: int, function: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any
    ) -> R:
        """A function of `store`, in a transaction of a session."""
        async with self.session(number) as connection, connection.transaction():
            return await function(connection, *args, **kwargs)

    async def run(self, operation: Operation[Any], number: int = -1) -> Any:
        """An operation of clients, on people's session."""
        return await OwnAsyncSession(await self.at(number), opened=True).run(operation)

    async def sql(self, query: str, params: Params = None) -> list[dict[str, Any]]:
        """What somebody types, on people's session."""
        async with self.session(-1) as connection:
            cursor = await connection.execute(query, params)  # type: ignore[arg-type]
            return await cursor.fetchall() if cursor.description else []

    async def promise(self, task: UUID) -> None:
        """The first attempt of a task gets a row in history before it begins."""
        await self.sql(PROMISE, [task])

    async def once(self, call: Callable[[], Awaitable[R]]) -> R:
        """For those who would repeat what fails: nothing is away here."""
        return await call()

    async def seen(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """All tasks with their attempts, and how many there are; at any time, for speed."""
        async with self.databases[-1].connection() as connection, connection.pipeline():
            rows = await connection.execute(SEEN)
            totals = await connection.execute("TABLE task_runner_stats")
            return await rows.fetchall(), (await totals.fetchall())[0]

    async def register(
        self, number: int, types: tuple[str, ...], backends: tuple[str, ...] = ()
    ) -> Membership:
        facts = RunnerConfig(task_types=types, backends=backends).facts()
        member = await members.register(await self.at(number), facts)
        self.claimers[number] = Claimer(member.id, Abilities(types))
        if number in self.hearts:
            self.hearts[number].runner_id = member.id
        else:
            database = self.databases[number]
            self.hearts[number] = Heart(database.conninfo, database, member.id)
            self.hearts[number].queue = self
        return member

    def monotonic(self) -> float:
        """What the claimers take for the time that passed."""
        return self.now.timestamp()

    async def show_lock(self, number: int, member: Membership) -> bool:
        """As a listener does that heard its first message."""
        async with self.session(number) as connection:
            held = await members.hold_lock(connection, member.lock_key)
        await members.set_wake(await self.at(number), member, "notify", lock_held=held)
        return held

    async def lose_session(self, number: int, member: Membership) -> None:
        """What the server does with its lock when the listening session ends."""
        async with self.session(number) as connection:
            await connection.execute("SELECT pg_advisory_unlock(%s)", (member.lock_key,))

    def beat(self, number: int, running: Sequence[int], running_for_s: float) -> Beat | None:
        """As the thread of a heartbeat does, on its own connection."""
        return self.hearts[number].beat(
            Condition("running"), silent_beats=3, running=running, running_for_s=running_for_s
        )

    async def claim(self, number: int, limit: int) -> list[Task]:
        async with self.session(number) as connection:
            return (await self.claimers[number].claim(connection, limit)).tasks

    async def finish(
        self, number: int, member: Membership, ends: Sequence[tuple[Task, Outcome]]
    ) -> set[UUID]:
        settlements = [
            settlement(task, outcome, backoff=Backoff(), max_retries=task.max_retries)
            for task, outcome in ends
        ]
        settled = await self.on(number, store.finish, member.id, settlements)
        return {one.id for one in settled}


@asynccontextmanager
async def opened(dsn: str, *, sessions: int, now: datetime) -> AsyncIterator[RealQueue]:
    """A queue on an empty database whose sequences are about to leave the range of four bytes."""
    async with AsyncExitStack() as stack:
        databases = [
            await stack.enter_async_context(Database(dsn, max_size=1)) for _ in range(sessions)
        ]
        queue = RealQueue(databases, now)
        await queue.sql(START_HIGH, [LARGE])
        await queue.sql(ORDERLY_IDS)
        try:
            yield queue
        finally:
            for heart in queue.hearts.values():
                heart.close()
