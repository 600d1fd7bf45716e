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
