"""kill -9 of the only runner while a task waits, and around a spawn: all ends as it would have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.daemon.conftest import Fleet

WAITING = "SELECT FROM waiting_tasks WHERE task_id = %s"
CHILDREN = "SELECT * FROM agent_tasks WHERE parent_task_id = %s ORDER BY id"
BLOCKED = """
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%%spawn_tasks%%'
"""
ONCE = [{"n": 1}] * 5


def output(fleet: Fleet, task: Any) -> Any:
    """What the task made in the end."""
    fleet.until(lambda: fleet.status(task) not in ("pending", "processing"))
    row = fleet.one("SELECT status, retry_count FROM agent_tasks WHERE id = %s", (task,))
    assert row == {"status": "completed", "retry_count": 0}
    last = (
        "SELECT output_data FROM agent_executions WHERE task_id = %s ORDER BY attempt DESC LIMIT 1"
    )
    return fleet.one(last, (task,))["output_data"]


@pytest.mark.slow
def test_a_wait_for_an_event_outlives_its_runner_and_hears_what_came_meanwhile(
    fleet: Fleet,
) -> None:
    agent = fleet.agent("waits")
    stream = fleet.one("INSERT INTO streams (name) VALUES ('s') RETURNING id")["id"]
    fleet.connection.execute(
        "INSERT INTO stream_agent_assignments (stream_id, agent_id) VALUES (%s, %s)",
        (stream, agent),
    )
    run = fleet.one("SELECT run_stream(%s) AS id", (stream,))["id"]
    task = fleet.one("SELECT id FROM agent_tasks WHERE run_id = %s", (run,))["id"]
    runner = fleet.start()
    fleet.until(lambda: fleet.all(WAITING, (task,)) != [])
    runner.kill()
    fleet.one("SELECT signal_run(%s, 'word', %s)", (run, json.dumps({"word": "yes"})))
    fleet.start()
    assert output(fleet, task) == {"before": 1, "word": "yes"}
    assert fleet.all("SELECT FROM run_signals WHERE taken_by IS NULL") == []
    assert fleet.one("SELECT crash_count FROM agent_tasks") == {"crash_count": 0}


@pytest.mark.slow
def test_a_sleep_outlives_its_runner_and_ends_at_its_time(fleet: Fleet) -> None:
    runner = fleet.start()
    until = fleet.one("SELECT now() + interval '3 s' AS until")["until"]
    task = fleet.task(fleet.agent("waits"), json.dumps({"until": until.isoformat()}))
    fleet.until(lambda: fleet.all(WAITING, (task,)) != [])
    runner.kill()
    fleet.start()
    assert output(fleet, task) == {"before": 1}
    (first, second) = fleet.all("SELECT started_at FROM agent_executions ORDER BY attempt")
    assert first["started_at"] < until <= second["started_at"]


class Family:
    """A parent and the children that it makes, with gates that nobody has opened yet."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.gate, self.childs_gate = folder / "gate", folder / "childs_gate"
        fleet.connection.execute("CREATE TABLE effects (task_id uuid, attempt integer)")
        fleet.agent("is_a_child")
        self.agent = fleet.agent("has_children")
        self.parent: Any = None

    def begin(self, *, before: int = 0, after: int = 0) -> None:
        gates = {"gate": str(self.gate), "childs_gate": str(self.childs_gate)}
        payload = {**gates, "before": before, "after": after}
        self.parent = self.fleet.task(self.agent, json.dumps(payload))

    def children(self) -> list[dict[str, Any]]:
        return self.fleet.all(CHILDREN, (self.parent,))

    def attempt(self, number: int) -> Callable[[], bool]:
        """Whether that attempt of the parent is on."""
        which = "SELECT FROM agent_tasks WHERE id = %s AND status = 'processing' AND attempt = %s"
        return lambda: self.fleet.all(which, (self.parent, number)) != []

    def check(self) -> None:
        """The parent joined five children, each of which was made and did its work once."""
        assert output(self.fleet, self.parent) == {"got": [0, 1, 2, 3, 4]}
        assert [child["payload"]["n"] for child in self.children()] == [0, 1, 2, 3, 4]
        assert self.fleet.all("SELECT count(*) AS n FROM effects GROUP BY task_id") == ONCE
        done = """
            SELECT count(*) AS n FROM agent_executions e JOIN agent_tasks t ON t.id = e.task_id
            WHERE t.parent_task_id = %s AND e.status = 'completed' GROUP BY t.id
        """
        assert self.fleet.all(done, (self.parent,)) == ONCE


@pytest.fixture
def family(fleet: Fleet, tmp_path: Path) -> Family:
    return Family(fleet, tmp_path)


@pytest.mark.slow
def test_a_parent_that_is_killed_before_it_spawns(fleet: Fleet, family: Family) -> None:
    runner = fleet.start()
    family.childs_gate.touch()
    family.begin(before=1)
    fleet.until(family.attempt(1))
    runner.kill()
    assert family.children() == []
    family.gate.touch()
    fleet.start()
    family.check()


@pytest.mark.slow
@pytest.mark.parametrize("committed", [True, False])
def test_a_parent_that_is_killed_amid_the_statement_that_spawns(
    fleet: Fleet, family: Family, committed: bool
) -> None:
    """The statement waits for the parent's row: it goes on without its runner, or is ended."""
    runner = fleet.start()
    family.childs_gate.touch()
    family.begin(before=1)
    fleet.until(family.attempt(1))
    with psycopg.connect(fleet.dsn) as holder:
        holder.execute("SELECT FROM agent_tasks WHERE id = %s FOR UPDATE", (family.parent,))
        family.gate.touch()
        fleet.until(lambda: fleet.all(BLOCKED) != [])
        runner.kill()
        if not committed:
            fleet.all(BLOCKED.replace("SELECT FROM", "SELECT pg_terminate_backend(pid) FROM"))
            fleet.until(lambda: fleet.all(BLOCKED) == [])
    if committed:
        fleet.until(lambda: len(family.children()) == 5)
    else:
        assert family.children() == []
    fleet.start()
    family.check()


@pytest.mark.slow
def test_a_parent_that_waits_and_a_child_that_runs_are_killed(fleet: Fleet, family: Family) -> None:
    runner = fleet.start()
    family.begin()
    fleet.until(
        lambda: (
            [child["status"] for child in family.children()] == ["processing"] + ["completed"] * 4
        )
    )
    fleet.until(lambda: fleet.all(WAITING, (family.parent,)) != [])
    runner.kill()
    family.childs_gate.touch()
    fleet.start()
    family.check()
    assert [child["attempt"] for child in family.children()] == [2, 1, 1, 1, 1]


@pytest.mark.slow
def test_a_parent_that_is_killed_after_its_join(fleet: Fleet, family: Family) -> None:
    runner = fleet.start()
    family.childs_gate.touch()
    family.begin(after=2)
    fleet.until(family.attempt(2))
    runner.kill()
    family.gate.touch()
    fleet.start()
    family.check()
    assert [child["attempt"] for child in family.children()] == [1] * 5
