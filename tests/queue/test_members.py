"""What a runner's row is told, on a real database."""

from __future__ import annotations

import psycopg
import pytest

from oppspot_runner.db.pool import Database
from oppspot_runner.queue.members import (
    BEAT,
    BeatConnection,
    Condition,
    leave,
    register,
    set_waiting,
)
from oppspot_runner.runner.config import RunnerConfig

FLEET = 300


@pytest.mark.parametrize(("silent_beats", "probe"), [(0, False), (1.5, False), (1.6, True)])
async def test_a_heartbeat_renews_the_lease_and_tests_a_listener_that_heard_nothing(
    db: Database, silent_beats: float, probe: bool
) -> None:
    member = await register(db, RunnerConfig().facts())
    heart = BeatConnection(db.conninfo, db, member.id)
    with psycopg.connect(db.dsn, autocommit=True) as listener:
        listener.execute("LISTEN oppspot_wake")
        before = await db.fetch_one("SELECT lease_until FROM task_runners")
        assert heart.beat(
            Condition("running"), silent_beats=silent_beats, running=(), running_for_s=5
        )
        after = await db.fetch_one("SELECT lease_until FROM task_runners")
        assert before is not None
        assert after is not None
        assert after["lease_until"] > before["lease_until"]
        listener.execute("SELECT pg_notify('oppspot_wake', 'last')")
        heard = [one.payload for one in listener.notifies(timeout=5, stop_after=1 + probe)]
    heart.close()
    assert heard == [*([f"{db.schema}/{member.id}"] if probe else []), "last"]


@pytest.mark.parametrize(
    ("silent_beats", "least", "most"), [(1.6, 1, 45), (2.6, FLEET, FLEET)], ids=["lots", "sure"]
)
async def test_of_a_fleet_that_falls_silent_few_test_their_listeners(
    db: Database, silent_beats: float, least: int, most: int
) -> None:
    """Also where none waits for work: each test is heard by all."""
    await db.execute(
        "INSERT INTO task_runners (host, pid, version, slots, poll_s, lease_s, beat_s, wake,"
        " lease_until) SELECT 'h', n, '0', 1, 5, 30, 5, 'notify', now() + interval '1 hour'"
        " FROM generate_series(1, %s) n",
        (FLEET,),
    )
    ids = [row["id"] for row in await db.fetch_all("SELECT id FROM task_runners")]
    beat = {"silent_beats": silent_beats, "state": "paused", "lag_ms": 0, "hanging": 0}
    with psycopg.connect(db.dsn, autocommit=True) as listener:
        listener.execute("LISTEN oppspot_wake")
        for _ in range(2):  # that a lot of eight falls on nobody happens once in 3,000 times
            async with db.connection() as beating, beating.pipeline():
                for runner_id in ids:
                    await beating.execute(BEAT, {**beat, "runner_id": runner_id})
        listener.execute("SELECT pg_notify('oppspot_wake', 'last')")
        heard = set()
        for one in listener.notifies(timeout=20):
            if one.payload == "last":
                break
            heard.add(one.payload)
    assert least <= len(heard) <= most


async def test_a_heartbeat_counts_those_that_wait_for_the_same_tasks(db: Database) -> None:
    lanes: list[tuple[str, ...]] = [(), (), ("other",)]
    one, two, other = [
        await register(db, RunnerConfig(task_types=types).facts()) for types in lanes
    ]
    for member in (one, two, other):
        await set_waiting(db, member.id, True)
    await db.execute("UPDATE task_runners SET lease_until = oppspot_now() WHERE id = %s", (two.id,))
    heart = BeatConnection(db.conninfo, db, one.id)
    beat = heart.beat(Condition("running"), silent_beats=0, running=(), running_for_s=5)
    heart.close()
    assert beat is not None
    assert beat.crowd == 1


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
    beat = {
        "runner_id": member.id,
        "silent_beats": 0,
        "state": "running",
        "lag_ms": 0,
        "hanging": 0,
    }
    async with db.transaction() as beating:
        await beating.execute("SELECT oppspot_now()")
        async with db.connection() as leaving:
            await leave(leaving, member.id)
        assert await (await beating.execute(BEAT, beat)).fetchone() is None
    assert await db.fetch_one("SELECT FROM task_runners WHERE lease_until > oppspot_now()") is None
