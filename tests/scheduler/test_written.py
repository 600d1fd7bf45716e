"""What people write counts at once, and what means nothing stops its own schedule only."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.scheduler.conftest import World

CHANGES = {
    "the text": ("schedule_cron = '30 * * * *'", "2025-06-02 00:30:00+00:00"),
    "the zone": ("schedule_timezone = 'Asia/Kolkata'", "2025-06-02 00:30:00+00:00"),
    "a word": ("schedule_cron = '@daily'", "2025-06-03 00:00:00+00:00"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_a_change_by_sql_counts_at_once(world: World, change: tuple[str, str]) -> None:
    await world.agent("0 * * * *")
    await world.tick()
    assert str((await world.schedule())["due_at"]) == "2025-06-02 01:00:00+00:00"
    await world.db.execute(f"UPDATE ai_agents SET {change[0]}")  # type: ignore[arg-type]
    assert (await world.tick()).looked_at == 1
    assert str((await world.schedule())["due_at"]) == change[1]


async def test_a_schedule_that_is_taken_away_is_gone(world: World) -> None:
    await world.agent("0 * * * *")
    await world.tick("2025-06-02T01:00:00Z")
    await world.db.execute("UPDATE ai_agents SET schedule_cron = ' '")
    assert await world.one("SELECT count(*) FROM schedules") == 0
    assert await world.one("SELECT count(*) FROM schedule_ticks") == 0


async def test_an_agent_that_is_deleted_takes_its_schedule_with_it(world: World) -> None:
    await world.agent("0 * * * *")
    await world.db.execute("DELETE FROM ai_agents")
    assert await world.one("SELECT count(*) FROM schedules") == 0


async def test_an_inactive_agent_fires_nothing_and_makes_up_for_nothing(world: World) -> None:
    await world.agent("0 * * * *", misfire="all")
    await world.tick()
    await world.db.execute("UPDATE ai_agents SET is_active = false")
    await world.tick("2025-06-02T03:30:00Z")
    await world.db.execute("UPDATE ai_agents SET is_active = true")
    await world.tick()
    assert await world.fired() == []
    await world.tick("2025-06-02T04:00:00Z")
    assert await world.fired() == ["2025-06-02T04:00:00Z"]


async def test_a_change_of_something_else_leaves_the_schedule_alone(world: World) -> None:
    await world.agent("0 * * * *")
    await world.tick()
    await world.db.execute(
        "UPDATE ai_agents SET name = 'x', configuration = '{\"threshold\": 1}', is_active = true"
    )
    assert (await world.tick()).looked_at == 0


WRONG: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "text": ("9 o'clock", "UTC", {}, "has 2 fields"),
    "never": ("0 0 30 2 *", "UTC", {}, "names a day that never comes"),
    "long": ("0" + ",0" * 2500 + " * * * *", "UTC", {}, "5,009 characters"),
    "zone": ("0 9 * * *", "Mars/Olympus", {}, "'Mars/Olympus' is not a time zone"),
    "key": ("0 9 * * *", "UTC", {"mishap": "last"}, "schedule's mishap"),
    "value": ("0 9 * * *", "UTC", {"overlap": "never"}, "schedule's overlap"),
    "limit": ("0 9 * * *", "UTC", {"limit": 100_000}, "schedule's limit"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_what_means_nothing_stops_its_own_schedule_with_the_reason(
    world: World, wrong: tuple[str, str, dict[str, Any], str]
) -> None:
    text, zone, options, reason = wrong
    bad = await world.agent(text, zone, **options)
    await world.agent("0 * * * *")
    (stopped,) = (await world.tick()).failed
    error = await world.one("SELECT error FROM schedules WHERE agent_id = %s", bad)
    assert reason in error
    assert stopped.error == error
    await world.tick("2025-06-02T01:00:00Z")
    assert await world.fired() == ["2025-06-02T01:00:00Z"]
    await world.db.execute(
        "UPDATE ai_agents SET schedule_cron = '30 * * * *', schedule_timezone = 'UTC',"
        " configuration = '{}' WHERE id = %s",
        (bad,),
    )
    await world.tick()
    await world.tick("2025-06-02T01:30:00Z")
    assert (await world.fired())[1:] == ["2025-06-02T01:30:00Z"]


@pytest.mark.parametrize("value", ["[1, 2]", "7", '"daily"', "null", '{"jitter": 1e400}'])
async def test_options_of_any_kind_harm_nobody_else(world: World, value: str) -> None:
    await world.agent("0 * * * *")
    await world.db.execute(
        "UPDATE ai_agents SET configuration = jsonb_build_object('schedule', %s::jsonb)", (value,)
    )
    ticked = await world.tick()
    assert ticked.looked_at == 1
    assert len(ticked.failed) == (value != "null")


async def test_one_task_that_the_table_refuses_stops_its_schedule_only(world: World) -> None:
    bad = await world.agent("0 * * * *")
    for _ in range(3):
        await world.agent("0 * * * *")
    await world.db.execute(
        f"ALTER TABLE agent_tasks ADD CHECK (agent_id <> '{bad}')"  # type: ignore[arg-type]
    )
    ticked = await world.tick("2025-06-02T01:00:00Z")
    assert ticked.started == 3
    assert [one.error for one in ticked.failed] == [
        await world.one("SELECT error FROM schedules WHERE agent_id = %s", bad)
    ]
    assert len(await world.fired()) == 3


async def test_trouble_that_passes_by_itself_stops_no_schedule(world: World) -> None:
    await world.agent("0 * * * *")
    await world.db.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'try again' USING ERRCODE = 'deadlock_detected'; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON agent_tasks EXECUTE FUNCTION refuse()"
    )
    with pytest.raises(psycopg.errors.DeadlockDetected):
        await world.tick("2025-06-02T01:00:00Z")
    await world.db.execute("DROP TRIGGER refuse ON agent_tasks")
    await world.tick()
    assert await world.fired() == ["2025-06-02T01:00:00Z"]


async def test_whoever_takes_a_pause_away_lets_it_begin_anew(world: World) -> None:
    await world.agent("0 * * * *", misfire="all")
    await world.tick()
    await world.db.execute("UPDATE schedules SET paused_at = oppspot_now()")
    await world.tick("2025-06-02T03:30:00Z")
    await world.db.execute("UPDATE schedules SET paused_at = NULL")
    await world.tick()
    assert await world.fired() == []
    await world.tick("2025-06-02T04:00:00Z")
    assert await world.fired() == ["2025-06-02T04:00:00Z"]


async def test_a_jitter_delays_the_look_and_not_the_due_time(world: World) -> None:
    for _ in range(20):
        await world.agent("0 * * * *", jitter=60)
    await world.tick()
    delays = await world.db.fetch_all(
        "SELECT extract(epoch FROM look_at - due_at)::float8 AS s FROM schedules"
    )
    seconds = [row["s"] for row in delays]
    assert 0 <= min(seconds) < max(seconds) <= 60
    await world.tick("2025-06-02T01:01:00Z")
    assert await world.fired() == ["2025-06-02T01:00:00Z"] * 20


async def test_the_parts_of_a_stream_keep_the_zone_and_the_options_of_their_agent(
    world: World,
) -> None:
    agent = await world.agent(None, "Asia/Kolkata", misfire="skip", limit=3)
    stream = await world.one("INSERT INTO streams (name) VALUES ('Leads') RETURNING id")
    await world.db.execute(
        "INSERT INTO stream_agent_assignments"
        " (stream_id, agent_id, execution_frequency, schedule_options)"
        " VALUES (%s, %s, 'Daily', '{\"limit\": 5}')",
        (stream, agent),
    )
    row = await world.schedule()
    assert (row["expression"], row["timezone"]) == ("daily", "Asia/Kolkata")
    assert row["options"] == {"misfire": "skip", "limit": 5}
    await world.db.execute("UPDATE ai_agents SET schedule_timezone = NULL")
    assert (await world.schedule())["timezone"] == "UTC"


async def test_old_ticks_go_and_the_newest_stays(world: World) -> None:
    from oppspot_runner.scheduler import ticking

    await world.agent("0 0 * * *", overlap="allow")
    for day in range(3, 10):
        await world.tick(f"2025-06-{day:02}T00:00:00Z")
    await world.at("2025-09-01T00:00:00Z")
    async with world.db.connection() as connection:
        assert await ticking.prune(connection, keep_s=86_400) == 6
    assert await world.one("SELECT due_at::text FROM schedule_ticks") == "2025-06-09 00:00:00+00"


async def test_a_run_is_on_until_its_whole_chain_has_ended(world: World) -> None:
    agent = await world.agent("0 * * * *")
    await world.tick("2025-06-02T01:00:00Z")
    await world.db.execute(
        "WITH stream AS (INSERT INTO streams (name) VALUES ('Leads') RETURNING id),"
        " run AS (INSERT INTO stream_runs (stream_id, open_nodes) SELECT id, 1 FROM stream"
        " RETURNING id) UPDATE agent_tasks SET status = 'completed', run_id = run.id FROM run"
    )
    await world.tick("2025-06-02T02:00:00Z")
    assert len(await world.fired()) == 1
    await world.db.execute(
        "UPDATE stream_runs SET status = 'completed', open_nodes = 0, finished_at = oppspot_now()"
    )
    await world.tick("2025-06-02T03:00:00Z")
    assert (await world.fired())[1:] == ["2025-06-02T03:00:00Z"]
    assert await world.one("SELECT agent_id FROM schedules") == agent
