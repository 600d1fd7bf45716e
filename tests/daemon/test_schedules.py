"""Runners that are killed miss no due time and repeat none."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest

from tests.daemon.conftest import Fleet

SETTINGS = {"OPPSPOT_LEASE": "6", "OPPSPOT_POLL_INTERVAL": "1"}
MADE = """
    INSERT INTO ai_agents (name, agent_type, schedule_cron, configuration)
    SELECT 'tick ' || n, 'nobody', '* * * * * *',
           '{"schedule": {"misfire": "all", "overlap": "allow"}}'
    FROM generate_series(1, 20) n
"""
TICKS = """
    SELECT schedule_id, count(*) AS ticks, count(t.id) AS tasks, min(k.due_at), max(k.due_at)
    FROM schedule_ticks k LEFT JOIN agent_tasks t ON t.id = k.task_id GROUP BY schedule_id
"""
SINCE = "SELECT count(DISTINCT due_at) AS n FROM schedule_ticks WHERE due_at > %s"


@pytest.mark.slow
def test_each_second_fires_once_while_runners_are_killed(fleet: Fleet) -> None:
    victims = [fleet.start(**SETTINGS) for _ in range(3)]
    fleet.connection.execute(MADE)  # type: ignore[call-overload]
    for victim in victims:
        now = fleet.one("SELECT oppspot_now() AS now")["now"]
        fleet.until(lambda now=now: fleet.one(SINCE, (now,))["n"] >= 2)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        fleet.start(**SETTINGS)
    now = fleet.one("SELECT oppspot_now() AS now")["now"]
    fleet.until(lambda: fleet.one(SINCE, (now,))["n"] >= 2)
    rows = fleet.all(TICKS)
    assert len(rows) == 20
    for row in rows:
        seconds = (row["max"] - row["min"]) // timedelta(seconds=1) + 1
        assert (row["ticks"], row["tasks"]) == (seconds, seconds)
