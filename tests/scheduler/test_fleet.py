"""Three runners at once, 3,000 ticks: none is missing, none comes twice."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from oppspot_runner.db.pool import Database
from oppspot_runner.scheduler import ticking

SCHEDULES, MINUTES = 100, 30


@pytest.mark.slow
async def test_each_due_time_fires_once_however_many_runners_look(dsn: str) -> None:
    fleet = [Database(dsn, max_size=1) for _ in range(3)]
    start = datetime.fromisoformat("2025-03-30T00:45:30Z")  # the clock changes at 01:00
    try:
        await asyncio.gather(*(one.open() for one in fleet))
        await set_clocks(fleet, start)
        await fleet[0].execute(
            "INSERT INTO ai_agents (agent_type, schedule_cron, schedule_timezone, configuration)"
            " SELECT 'noop', '* * * * *', 'Europe/London', %s FROM generate_series(1, %s)",
            (Jsonb({"schedule": {"overlap": "allow"}}), SCHEDULES),
        )
        started = [0, 0, 0]
        for minute in range(MINUTES + 1):
            await set_clocks(fleet, start + timedelta(minutes=minute))
            looks = await asyncio.gather(*(until_done(one) for one in fleet))
            started = [before + more for before, more in zip(started, looks, strict=True)]
        rows = await fleet[0].fetch_all(
            "SELECT agent_id, count(*), count(DISTINCT scheduled_for) AS times,"
            " min(scheduled_for), max(scheduled_for) FROM agent_tasks GROUP BY agent_id"
        )
    finally:
        await asyncio.gather(*(one.close() for one in fleet))
    assert len(rows) == SCHEDULES
    first, last = start + timedelta(seconds=30), start + timedelta(minutes=MINUTES, seconds=-30)
    for row in rows:
        assert (row["count"], row["times"]) == (MINUTES, MINUTES)
        assert (row["min"], row["max"]) == (first, last)
    assert sum(started) == SCHEDULES * MINUTES
    assert min(started) > 0, "one of the runners had nothing to do"


async def set_clocks(fleet: list[Database], moment: datetime) -> None:
    for one in fleet:
        await one.execute("SELECT set_config('oppspot.now', %s, false)", (str(moment),))


async def until_done(one: Database) -> int:
    """Looks until nothing is due that nobody else deals with; how many tasks were started."""
    started = 0
    while True:
        async with one.transaction() as connection:
            ticked = await ticking.tick(connection)
        if not ticked.looked_at:
            return started
        started += ticked.started
