"""Bodies elsewhere: a look finds those to adopt and those that are over among all others."""

from __future__ import annotations

from uuid import UUID

from oppspot_runner.db.pool import Database
from oppspot_runner.queue import handoffs

RUNNERS = """
    INSERT INTO task_runners (id, host, pid, version, slots, poll_s, lease_s, beat_s, lease_until)
    OVERRIDING SYSTEM VALUE
    SELECT id, 'h', 1, '0', 1, 5, 30, 5,
           oppspot_now() + CASE WHEN id IN (15, 40) THEN interval '-1 h' ELSE interval '1 h' END
    FROM unnest('{10,15,20,30,40}'::bigint[]) id
"""
TASK = """
    INSERT INTO agent_tasks (id, status, runner_id, run_token, attempt, started_at)
    VALUES (%s, 'processing', %s, %s, 1, oppspot_now())
"""
BODY = """
    INSERT INTO task_handoffs (handle, task_id, run_token, attempt, backend, runner_id, ticket,
        companions, companion_tokens, ended_at, result)
    SELECT %(id)s, %(id)s, %(token)s, 1, %(backend)s, %(runner)s, '{}',
           %(companions)s::uuid[], %(companion_tokens)s::bigint[],
           CASE WHEN %(ended)s THEN oppspot_now() END, CASE WHEN %(ended)s THEN '{}'::jsonb END
"""
BODIES = "SELECT run_token, runner_id FROM task_handoffs"
OF_TASKS = "SELECT run_token, runner_id FROM agent_tasks WHERE run_token IS NOT NULL"


async def lay_task(db: Database, token: int, runner: int) -> None:
    await db.execute(TASK, (UUID(int=token), runner, token))


async def lay_body(
    db: Database,
    token: int,
    runner: int | None,
    *,
    backend: str = "far",
    ended: bool = False,
    companion: int | None = None,
) -> None:
    others = [] if companion is None else [companion]
    row = {"id": UUID(int=token), "token": token, "runner": runner, "backend": backend}
    ids = [UUID(int=one) for one in others]
    await db.execute(BODY, {**row, "companions": ids, "companion_tokens": others, "ended": ended})


async def runners(db: Database, query: str) -> dict[int, int | None]:
    rows = await db.fetch_all(query)  # type: ignore[arg-type]
    return {row["run_token"]: row["runner_id"] for row in rows}


async def adopted(db: Database, runner: int) -> set[int]:
    async with db.transaction() as connection:
        found = await handoffs.adopt(connection, runner, ["far"])
    return {one.task.run_token for one in found}


async def test_what_is_adopted_is_of_no_living_runner(db: Database) -> None:
    await db.execute(RUNNERS)
    # Before the first, dead, between two, the last one: dead, and behind it.
    gone = dict(enumerate([5, 15, 25, 40, 45], 1))
    living = dict(enumerate([10, 20, 30], 10))
    for token, runner in {**gone, **living}.items():
        await lay_task(db, token, runner)
        await lay_body(db, token, runner)
    await lay_task(db, 20, 12)  # left by one that is gone
    await lay_body(db, 20, None)
    await lay_task(db, 21, 10)  # left by one that is not gone yet
    await lay_body(db, 21, None)
    await lay_task(db, 22, 5)
    await lay_body(db, 22, 5, backend="another")
    await lay_task(db, 23, 5)
    await lay_task(db, 24, 5)
    await lay_body(db, 23, 5, companion=24)
    await lay_body(db, 25, 5)  # its attempt is over
    before = await runners(db, OF_TASKS), await runners(db, BODIES)

    assert await adopted(db, 20) == {*gone, 20}
    now = dict.fromkeys([*gone, 20], 20)
    after = await runners(db, OF_TASKS), await runners(db, BODIES)
    assert after == ({**before[0], **now}, {**before[1], **now})
    assert await adopted(db, 30) == set()


async def test_a_runner_whose_lease_is_over_does_not_adopt_its_own(db: Database) -> None:
    await db.execute(RUNNERS)
    await lay_task(db, 1, 15)
    await lay_body(db, 1, 15)
    assert await adopted(db, 15) == set()
    assert await adopted(db, 40) == {1}


async def test_a_look_sweeps_what_ended_and_what_nobody_waits_for(db: Database) -> None:
    await db.execute(RUNNERS)
    for token in (1, 2, 3):
        await lay_task(db, token, 10 if token < 3 else 15)
    await lay_body(db, 1, 10)
    await lay_body(db, 2, 10, ended=True)  # its end is not written yet
    await lay_body(db, 3, 15)
    await lay_body(db, 4, 10, ended=True, companion=1)
    await lay_body(db, 5, 10)  # only prune looks at it
    wanted = {1, 2, 3, 4, 5}
    over = {6: 15, 7: 5, 8: 25, 9: 45, 10: None}
    for token, runner in over.items():
        await lay_body(db, token, runner)
    await lay_body(db, 11, 30, ended=True)
    async with db.transaction() as worker, db.transaction() as connection:
        await worker.execute("SELECT FROM task_handoffs WHERE run_token = 7 FOR UPDATE")
        await connection.execute("SET LOCAL lock_timeout = '5s'")
        assert await handoffs.sweep(connection) == len(over)
    assert await runners(db, BODIES) == {**dict.fromkeys(wanted, 10), 3: 15, 7: 5}
    async with db.transaction() as connection:
        assert await handoffs.sweep(connection) == 1
        assert await handoffs.prune(connection) == 1
    assert (await runners(db, BODIES)).keys() == wanted - {5}
