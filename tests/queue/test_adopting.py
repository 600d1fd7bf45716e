"""Bodies elsewhere that nobody waits for: who goes on with them."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from psycopg import sql

from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.queue import handoffs, members, store
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.members import Membership
from oppspot_runner.runner.config import RunnerConfig
from tests.stepping import Stepper, interleave, session

LOCK = "SELECT pg_advisory_xact_lock(42)"
LATE = sql.SQL(
    handoffs.ADOPT.replace("WHERE h.", "WHERE pg_advisory_xact_lock(42)::text = '' AND h.")
)


async def runner(db: Database) -> Membership:
    return await members.register(db, RunnerConfig(backends=("far",)).facts())


async def handed(db: Database, by: Membership) -> tuple[UUID, Task]:
    """A body that this runner handed on, and its task."""
    await db.execute("INSERT INTO agent_tasks DEFAULT VALUES")
    async with db.connection() as connection:
        (task,) = (await Claimer(by.id).claim(connection, 1)).tasks
    handle = uuid4()
    assert await handoffs.put(db, handle, [task], backend="far", runner_id=by.id, ticket={})
    return handle, task


async def test_a_body_elsewhere_is_not_given_back_as_if_it_had_not_begun(db: Database) -> None:
    old, new = await runner(db), await runner(db)
    handle, task = await handed(db, old)
    async with db.connection() as connection:
        # A runner that stops lives on while others of its tasks end; the answer of an adoption gets
        # lost, and heartbeats tell of a task that nobody runs.
        await handoffs.leave(connection, old.id)
        assert await handoffs.adopt(connection, old.id, ["far"]) == []
        for one, other in ((old, new), (new, new), (new, old)):
            assert await store.give_back(connection, one.id, [task.run_token]) == 0
            assert await handoffs.adopt(connection, other.id, ["near"]) == []
            (adopted,) = await handoffs.adopt(connection, other.id, ["far"])
            assert (adopted.handle, adopted.task.attempt) == (handle, 1)
            assert adopted.task.run_token == task.run_token
            assert await handoffs.adopt(connection, one.id, ["far"]) == []


async def test_a_body_that_was_left_and_nobody_can_adopt_is_rescued(db: Database) -> None:
    old = await runner(db)
    _, task = await handed(db, old)
    other = await members.register(db, RunnerConfig().facts())
    async with db.transaction() as connection:
        await store.give_back(connection, old.id, [task.run_token])
        assert (await store.rescue(connection, other.id))[0] == []
    async with db.connection() as connection:
        await members.leave(connection, old.id)
    async with db.transaction() as connection:
        (saved,), _ = await store.rescue(connection, other.id)
        assert (saved.id, saved.status) == (task.id, "pending")
        assert await handoffs.sweep(connection) == 1
    (row,) = await db.fetch_all("SELECT attempt, crash_count FROM agent_tasks")
    assert row == {"attempt": 1, "crash_count": 0}


async def test_a_look_that_comes_late_takes_nothing_from_who_adopted(db: Database) -> None:
    old, first, second = [await runner(db) for _ in range(3)]
    handle, _ = await handed(db, old)
    async with db.connection() as connection:
        await members.leave(connection, old.id)

    async def lock(connection: Connection) -> None:
        await connection.execute(LOCK)

    async def adopt(connection: Connection) -> list[UUID]:
        return [one.handle for one in await handoffs.adopt(connection, first.id, ["far"])]

    async def adopt_late(connection: Connection) -> list[Any]:
        params = {"runner_id": second.id, "backends": ["far"]}
        return await (await connection.execute(LATE, params)).fetchall()

    async with session(db) as one, session(db) as other:
        steppers = {"a": Stepper(one, lock, adopt), "b": Stepper(other, adopt_late)}
        await interleave(db, steppers, "aabbaab")
    assert steppers["a"].results[2] == [handle]
    assert steppers["b"].results[1] == []
