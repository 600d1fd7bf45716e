"""What a runner's row is told, on a real database."""

from __future__ import annotations

import psycopg

from oppspot_runner.db.pool import Database
from oppspot_runner.queue.members import (
    BEAT,
    BEATS_PER_PROBE,
    BeatConnection,
    Condition,
    leave,
    register,
)
from oppspot_runner.runner.config import RunnerConfig


async def test_some_heartbeats_test_the_listener_and_all_renew_the_lease(db: Database) -> None:
    member = await register(db, RunnerConfig().facts())
    heart = BeatConnection(db.conninfo, db, member.id)
    with psycopg.connect(db.dsn, autocommit=True) as listener:
        listener.execute("LISTEN oppspot_wake")
        for _ in range(2 * BEATS_PER_PROBE):
            before = await db.fetch_one("SELECT lease_until FROM task_runners")
            assert heart.beat(Condition("running"), running=(), running_for_s=5) is not None
            after = await db.fetch_one("SELECT lease_until FROM task_runners")
            assert before is not None
            assert after is not None
            assert after["lease_until"] > before["lease_until"]
        heard = [one.payload for one in listener.notifies(timeout=5, stop_after=2)]
        heard += [one.payload for one in listener.notifies(timeout=0)]
    heart.close()
    assert heard == [f"{db.schema}/{member.id}"] * 2


async def test_a_heartbeat_that_began_before_the_lease_ended_does_not_bring_it_back(
    db: Database,
) -> None:
    """Both at once: the heartbeat sees what the end wrote, by the clock of its own beginning."""
    member = await register(db, RunnerConfig().facts())
    await db.execute(
        "INSERT INTO agent_tasks (task_type, status, runner_id, run_token, attempt)"
        " VALUES ('agent_execution', 'processing', %s, 1, 1)",
        (member.id,),
    )
    beat = {"runner_id": member.id, "probe": False, "state": "running", "lag_ms": 0, "hanging": 0}
    async with db.transaction() as beating:
        await beating.execute("SELECT oppspot_now()")
        async with db.connection() as leaving:
            await leave(leaving, member.id)
        assert await (await beating.execute(BEAT, beat)).fetchone() is None
    assert await db.fetch_one("SELECT FROM task_runners WHERE lease_until > oppspot_now()") is None
