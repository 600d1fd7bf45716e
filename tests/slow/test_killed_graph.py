"""A run of thirty agents whose runners are killed ten times and more: it ends as it would have.

Each agent has to be killed once, and three at most die at once: however slow the machine is, the
run cannot end before the tenth kill. Whoever holds an agent that was not killed yet is a victim,
whatever else he holds: what was lost twice waits there until it is alone, which it would never be.

Not part of the ordinary run, because it takes half a minute. Run it by its path.
"""

from __future__ import annotations

import os
import random
import signal
from typing import Any

import pytest

from tests.daemon.conftest import Fleet, fleet

__all__ = ["fleet"]

NODES = 30
KILLS = 10
RUNNING = """
    SELECT r.pid FROM agent_tasks t JOIN task_runners r ON r.id = t.runner_id
    WHERE t.status = 'processing' AND r.pid <> ALL (%s) GROUP BY r.pid HAVING min(t.crash_count) = 0
"""


@pytest.mark.ci_slice
@pytest.mark.timeout(300)
def test_a_run_whose_runners_are_killed_ten_times_ends_as_it_would_have(fleet: Fleet) -> None:
    fleet.connection.execute("CREATE TABLE effects (task_id uuid, attempt integer)")
    needs = _graph(random.Random(7))
    agents = [fleet.agent("adding", f"node {number}") for number in range(NODES)]
    run = _start(fleet, agents, needs)
    for _ in range(2):
        _runner(fleet)
    killed: list[int] = []  # their tasks are theirs until they are rescued
    while not _ended(fleet, run):
        if victims := fleet.all(RUNNING, (killed,)):
            killed.append(victims[0]["pid"])
            os.kill(killed[-1], signal.SIGKILL)
            _runner(fleet)
        fleet.until(lambda: bool(fleet.all(RUNNING, (killed,))) or _ended(fleet, run), within_s=60)
    assert len(killed) >= KILLS
    assert _status(fleet, run) == "completed"
    results = fleet.one("SELECT r.results FROM stream_runs r WHERE id = %s", (run,))["results"]
    assert [results[str(agent)]["sum"] for agent in agents] == _sums(needs)
    assert fleet.one("SELECT count(*) AS n, count(DISTINCT task_id) AS tasks FROM effects") == {
        "n": NODES,
        "tasks": NODES,
    }
    lost = fleet.one("SELECT sum(crash_count) AS n, max(retry_count) AS most FROM agent_tasks")
    assert lost["n"] >= NODES
    assert lost["most"] == 0


def _graph(chance: random.Random) -> list[list[int]]:
    """What each node depends on: up to three of those before it."""
    return [sorted(chance.sample(range(n), min(n, chance.randint(1, 3)))) for n in range(NODES)]


def _sums(needs: list[list[int]]) -> list[int]:
    sums: list[int] = []
    for before in needs:
        sums.append(1 + sum(sums[node] for node in before))
    return sums


def _start(fleet: Fleet, agents: list[Any], needs: list[list[int]]) -> Any:
    stream = fleet.one("INSERT INTO streams (name) VALUES ('thirty') RETURNING id")["id"]
    for agent, before in zip(agents, needs, strict=True):
        fleet.connection.execute(
            "INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)"
            " VALUES (%s, %s, %s)",
            (stream, agent, [agents[node] for node in before]),
        )
    return fleet.one("SELECT run_stream(%s) AS id", (stream,))["id"]


def _runner(fleet: Fleet) -> None:
    fleet.start("--poll-interval", "0.5", OPPSPOT_LEASE="3")


def _ended(fleet: Fleet, run: Any) -> bool:
    return _status(fleet, run) != "running"


def _status(fleet: Fleet, run: Any) -> str:
    return str(fleet.one("SELECT status FROM stream_runs WHERE id = %s", (run,))["status"])
