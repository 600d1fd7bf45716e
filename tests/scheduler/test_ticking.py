"""What fires when: missed times, overlaps, clocks that go back, many runners at once."""

from __future__ import annotations

import pytest

from tests.scheduler.conftest import World


async def test_a_tick_starts_the_agents_task_at_its_due_time(world: World) -> None:
    await world.agent("0 9 * * *", "Europe/London")
    await world.tick()
    assert await world.fired() == []
    schedule = await world.schedule()
    assert str(schedule["due_at"]) == "2025-06-02 08:00:00+00:00"
    assert schedule["look_at"] == schedule["due_at"]
    ticked = await world.tick("2025-06-02T08:00:00Z")
    assert (ticked.looked_at, ticked.started) == (1, 1)
    assert await world.fired() == ["2025-06-02T08:00:00Z"]
    assert await world.one("SELECT requested_by FROM agent_tasks") == "schedule"


@pytest.mark.parametrize(
    ("options", "fired"),
    [
        ({"misfire": "skip"}, []),
        ({"misfire": "last"}, ["03"]),
        ({}, ["03"]),
        ({"misfire": "all"}, ["01", "02", "03"]),
        ({"misfire": "all", "limit": 2}, ["02", "03"]),
    ],
)
async def test_three_hours_without_a_runner(
    world: World, options: dict[str, str], fired: list[str]
) -> None:
    await world.agent("0 * * * *", **options)
    await world.tick()
    await world.tick("2025-06-02T03:30:00Z")
    assert await world.fired() == [f"2025-06-02T{hour}:00:00Z" for hour in fired]
    await world.end()
    await world.tick("2025-06-02T04:00:00Z")
    assert (await world.fired())[len(fired) :] == ["2025-06-02T04:00:00Z"]


@pytest.mark.parametrize("misfire", ["skip", "last", "all"])
async def test_a_clock_that_goes_back_fires_nothing_twice(world: World, misfire: str) -> None:
    await world.agent("*/10 * * * *", misfire=misfire, overlap="allow")
    for minute in range(1, 120):
        await world.tick(f"2025-06-02T{minute // 60:02}:{minute % 60:02}:00Z")
    fired = await world.fired()
    assert len(fired) == 11
    for minute in range(60, 121):
        await world.tick(f"2025-06-02T{minute // 60:02}:{minute % 60:02}:00Z")
    assert await world.fired() == [*fired, "2025-06-02T02:00:00Z"]


async def test_not_even_a_schedule_that_is_written_anew_fires_twice(world: World) -> None:
    agent = await world.agent("*/10 * * * *", overlap="allow")
    await world.tick("2025-06-02T00:10:00Z")
    await world.at("2025-06-02T00:05:00Z")
    await world.db.execute(
        "UPDATE ai_agents SET schedule_cron = '5,10,15 * * * *' WHERE id = %s", (agent,)
    )
    for minute in (6, 10, 15):
        await world.tick(f"2025-06-02T00:{minute:02}:00Z")
    assert await world.fired() == ["2025-06-02T00:10:00Z", "2025-06-02T00:15:00Z"]


@pytest.mark.parametrize("status", ["pending", "processing"])
async def test_a_tick_is_skipped_while_the_run_before_is_on(world: World, status: str) -> None:
    await world.agent("0 * * * *")
    await world.tick("2025-06-02T01:00:00Z")
    if status == "processing":
        await begin(world)
    await world.tick("2025-06-02T02:00:00Z")
    assert await world.fired() == ["2025-06-02T01:00:00Z"]
    skipped = "SELECT due_at::text FROM schedule_ticks WHERE task_id IS NULL"
    assert await world.one(skipped) == "2025-06-02 02:00:00+00"
    await world.end()
    await world.tick("2025-06-02T03:00:00Z")
    assert await world.fired() == ["2025-06-02T01:00:00Z", "2025-06-02T03:00:00Z"]


async def test_runs_may_overlap_where_that_is_allowed(world: World) -> None:
    await world.agent("0 * * * *", overlap="allow")
    for hour in (1, 2, 3):
        await world.tick(f"2025-06-02T{hour:02}:00:00Z")
    assert len(await world.fired()) == 3


async def test_one_tick_waits_in_the_queue_for_the_end_of_the_run_before(world: World) -> None:
    await world.agent("0 * * * *", overlap="queue")
    await world.tick("2025-06-02T01:00:00Z")
    for moment in ("02:00:00", "03:00:00", "03:20:00"):
        await world.tick(f"2025-06-02T{moment}Z")
        assert await world.fired() == ["2025-06-02T01:00:00Z"]
    await world.end()
    await world.tick("2025-06-02T03:20:00Z")
    assert len(await world.fired()) == 1  # it looks once a second
    await world.tick("2025-06-02T03:20:01Z")
    assert await world.fired() == ["2025-06-02T01:00:00Z", "2025-06-02T03:00:00Z"]


async def test_missed_ticks_in_the_queue_run_one_after_the_other(world: World) -> None:
    await world.agent("0 * * * *", misfire="all", overlap="queue")
    await world.tick()
    for second in range(6):
        await world.tick(f"2025-06-02T03:30:{second:02}Z")
        if second == 1:
            assert await world.fired() == ["2025-06-02T01:00:00Z"]
        elif second > 1:
            await world.end()
    assert await world.fired() == [f"2025-06-02T{hour:02}:00:00Z" for hour in (1, 2, 3)]


async def begin(world: World) -> None:
    """Lets a runner have the tasks that wait."""
    await world.db.execute(
        "UPDATE agent_tasks SET status = 'processing', runner_id = 1, attempt = 1,"
        " run_token = nextval('agent_tasks_run_token_seq') WHERE status = 'pending'"
    )
