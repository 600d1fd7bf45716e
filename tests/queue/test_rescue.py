"""What the dead leave behind does not stand in the way of the living."""

from __future__ import annotations

from oppspot_runner.db.pool import Database
from oppspot_runner.queue import store

DEAD = """
    INSERT INTO task_runners
        (host, pid, version, slots, poll_s, lease_s, beat_s, lock_key, lease_until)
    SELECT 'h', n, '0', 1, 5, 30, 5, n, oppspot_now() - interval '1 h'
    FROM generate_series(1, %s) n
"""
LOST = """
    INSERT INTO agent_tasks (status, runner_id, run_token, attempt, started_at)
    SELECT 'processing', r.id, r.id, 1, oppspot_now()
    FROM task_runners r ORDER BY r.id DESC LIMIT %s
"""


async def test_a_day_of_dying_runners_does_not_exhaust_the_locks_of_the_server(
    db: Database,
) -> None:
    await db.execute(DEAD, (30_000,))
    await db.execute(LOST, (3,))
    async with db.transaction() as connection:
        saved, next_s = await store.rescue(connection, 0)
        row = await (
            await connection.execute(
                "SELECT count(*) AS n FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE locktype = 'advisory' AND datname = current_database()"
            )
        ).fetchone()
    assert (len(saved), next_s) == (3, None)
    assert row == {"n": 0}


FLEET = 50
LIVING = """
    INSERT INTO task_runners
        (id, host, pid, version, slots, poll_s, lease_s, beat_s, lease_until)
    OVERRIDING SYSTEM VALUE
    SELECT n * 10, 'h', n, '0', 1, 5, 30, 5, oppspot_now() + interval '1 h'
    FROM generate_series(1, %s) n
"""
OF_THE_GONE = """
    INSERT INTO agent_tasks (status, runner_id, run_token, attempt, started_at)
    SELECT 'processing', id, id, 1, oppspot_now() FROM unnest(%s::bigint[]) id
"""
# Their heart missed a beat, and nobody holds their lock.
DYING = """
    UPDATE task_runners SET lock_key = id, beat_at = oppspot_now() - interval '7 s'
    WHERE id = ANY (%s)
"""


async def look(db: Database, runner_id: int) -> tuple[int, float | None]:
    """How many tasks a look of that runner puts back, and when it wants to look again."""
    async with db.transaction() as connection:
        saved, next_s = await store.rescue(connection, runner_id)
    return len(saved), next_s


async def test_each_gap_and_each_dead_one_is_looked_after_by_twenty(db: Database) -> None:
    await db.execute(LIVING, (FLEET,))
    await db.execute("UPDATE task_runners SET lease_until = oppspot_now() WHERE id = 250")
    gone = [5, 10 * FLEET + 5, 250, 123]  # before the first, after the last, dead, long forgotten
    finders: dict[int, int] = dict.fromkeys(gone, 0)
    await db.execute(OF_THE_GONE, (gone,))
    for runner in {*range(10, 10 * FLEET + 1, 10)} - {250}:
        async with db.connection() as one, one.transaction(force_rollback=True):
            saved, _ = await store.rescue(one, runner)
        for found in saved:
            finders[found.runner_id] += 1
    assert finders == dict.fromkeys(gone, 20)


async def test_one_survivor_finds_all_that_died_at_once(db: Database) -> None:
    await db.execute(LIVING, (FLEET,))
    dead = [10 * n for n in range(1, FLEET + 1) if n != 7]
    await db.execute(DYING, (dead,))
    await db.execute(OF_THE_GONE, (dead,))
    found, next_s = 0, 0.0
    while next_s == 0:
        saved, again_s = await look(db, 70)
        found, next_s = found + saved, again_s if again_s is not None else 1
    assert found == len(dead)
