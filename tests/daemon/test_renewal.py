"""A runner that cannot go on starts its process anew, and loses nothing by it."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.daemon.conftest import Fleet, NotifySocket, Process


def members(fleet: Fleet, process: Process) -> list[Any]:
    """The ids under which a process has joined, the dead ones too."""
    rows = fleet.all("SELECT id FROM task_runners WHERE pid = %s ORDER BY id", (process.pid,))
    return [row["id"] for row in rows]


@pytest.mark.slow
def test_under_systemd_it_ends_with_75_and_the_unit_starts_it_again(
    fleet: Fleet, notify_socket: NotifySocket
) -> None:
    process = fleet.start(OPPSPOT_BLOCKED_LIMIT="1", NOTIFY_SOCKET=notify_socket.path)
    fleet.task(fleet.agent("spins"))
    assert process.wait(20) == 75


@pytest.mark.slow
def test_a_term_reaches_a_runner_whose_loop_is_blocked(fleet: Fleet) -> None:
    process = fleet.start(OPPSPOT_GRACE="1")
    task = fleet.task(fleet.agent("spins"))
    fleet.until(lambda: fleet.status(task) == "processing")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    fleet.start("--task-type", "another")  # rescues it, but does not run it
    fleet.until(lambda: fleet.one("SELECT crash_count FROM agent_tasks")["crash_count"] == 1)


@pytest.mark.slow
def test_a_runner_with_too_many_hanging_threads_drains_and_starts_anew(fleet: Fleet) -> None:
    process = fleet.start(OPPSPOT_MOST_HANGING="2", OPPSPOT_GRACE="1")
    hanging = fleet.agent("hangs_in_a_thread")
    limits = {"time_limit": 0.5, "backoff": {"first": 0}, "max_retries": 5}
    fleet.connection.execute("UPDATE ai_agents SET configuration = %s", (json.dumps(limits),))
    first = members(fleet, process)
    task = fleet.task(hanging)
    beside = [fleet.task(fleet.agent("quick")) for _ in range(3)]
    fleet.until(lambda: all(fleet.status(one) == "completed" for one in beside))
    fleet.until(lambda: fleet.status(task) == "completed", within_s=30)
    fleet.until(lambda: members(fleet, process)[-1] > first[-1])
    row = fleet.one("SELECT crash_count, retry_count FROM agent_tasks WHERE id = %s", (task,))
    assert row == {"crash_count": 0, "retry_count": 2}
    assert process.poll() is None


@pytest.mark.slow
def test_a_detached_runner_keeps_its_number_when_it_starts_anew(fleet: Fleet) -> None:
    settings = {"OPPSPOT_BLOCKED_LIMIT": "1", "OPPSPOT_LOG": "json"}
    said = fleet.command("start", "--detach", "--import", "tests.daemon.sample_agents", **settings)
    assert said.returncode == 0, said.stderr
    pid = int((fleet.folder / "oppspot-runner" / "runner.pid").read_text())
    task = fleet.task(fleet.agent("stands_still"), '{"once": true}')
    fleet.until(lambda: fleet.status(task) == "completed", within_s=30)
    assert {row["pid"] for row in fleet.all("SELECT pid FROM task_runners")} == {pid}
    log = (fleet.folder / "oppspot-runner" / "runner.log").read_text()
    assert log.count('"event": "the runner starts anew"') == 1
    assert "sample_agents.py" in log
    assert fleet.command("stop").returncode == 0
