"""Fair shares and caps with runners as real processes, looked at from outside.

Not part of the ordinary run, because it makes a hundred thousand tasks. Run it by its path.
"""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from tests.daemon.conftest import Fleet, fleet

__all__ = ["fleet"]

BIG = 100_000
SAMPLE_EVERY_S = 0.01
RUNNING = """
    SELECT count(*) FILTER (WHERE t.agent_id = %(capped)s),
           count(*) FILTER (WHERE t.limit_key = 'one')
    FROM agent_tasks t WHERE t.status = 'processing'
"""


@pytest.mark.timeout(180)
def test_ten_tasks_start_beside_a_hundred_thousand_of_another_organisation(fleet: Fleet) -> None:
    agent = fleet.agent("brief")
    big, small = (
        row["id"]
        for row in fleet.all(
            "INSERT INTO organizations (name) VALUES ('big'), ('small') RETURNING id"
        )
    )
    add = "INSERT INTO agent_tasks (agent_id, org_id) SELECT %s, %s FROM generate_series(1, %s)"
    fleet.connection.execute(add, (agent, big, BIG))
    for _ in range(3):
        fleet.start(OPPSPOT_FAIR_SHARE="true")
    fleet.connection.execute(add, (agent, small, 10))
    started = "SELECT count(*) AS n FROM agent_tasks WHERE org_id = %s AND started_at IS NOT NULL"
    took_s = fleet.until(lambda: fleet.one(started, (small,))["n"] == 10, within_s=20)
    left = fleet.one(
        "SELECT count(*) AS n FROM agent_tasks WHERE org_id = %s AND status = 'pending'", (big,)
    )
    assert left["n"] > BIG / 2
    print(f"the ten had started after {took_s:.2f} s; {left['n']:,} of the others waited")


@pytest.mark.timeout(120)
def test_caps_are_never_over_whenever_one_looks(fleet: Fleet) -> None:
    capped, other = fleet.agent("brief", "capped"), fleet.agent("brief", "other")
    fleet.connection.execute(
        "UPDATE ai_agents SET configuration = '{\"concurrency\": 4}' WHERE id = %s", (capped,)
    )
    fleet.connection.execute(
        "INSERT INTO task_limits (scope, key, concurrency) VALUES ('key', 'one', 1)"
    )
    fleet.connection.execute(
        "INSERT INTO agent_tasks (agent_id, limit_key)"
        " SELECT %s, NULL FROM generate_series(1, 2000)"
        " UNION ALL SELECT %s, 'one' FROM generate_series(1, 300)"
        " UNION ALL SELECT %s, NULL FROM generate_series(1, 2000)",
        (capped, other, other),
    )
    sampler = Sampler(fleet.dsn, {"capped": capped})
    for _ in range(3):
        fleet.start("--concurrency", "8")
    done = "SELECT count(*) AS n FROM agent_tasks WHERE status = 'completed'"
    fleet.until(lambda: fleet.one(done)["n"] == 4300, within_s=100)
    seen = sampler.end()
    assert len(seen) > 100
    assert (max(one for one, _ in seen), max(two for _, two in seen)) == (4, 1)
    print(f"{len(seen)} looks, never more than 4 and 1")


class Sampler:
    """Looks at what runs, every hundredth of a second, over a connection of its own."""

    def __init__(self, dsn: str, params: dict[str, Any]) -> None:
        self.seen: list[tuple[int, int]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(dsn, params))
        self._thread.start()

    def end(self) -> list[tuple[int, int]]:
        """All that was seen."""
        self._over.set()
        self._thread.join()
        return self.seen

    def _look(self, dsn: str, params: dict[str, Any]) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            while not self._over.wait(SAMPLE_EVERY_S):
                row = connection.execute(RUNNING, params).fetchone()
                assert row is not None
                self.seen.append((row[0], row[1]))
