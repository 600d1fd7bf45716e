"""The daemon as a process: killed, frozen, stopped, watched, in the background."""

from __future__ import annotations

import json
import signal

import pytest

from tests.daemon.conftest import Fleet, NotifySocket


@pytest.mark.slow
def test_tasks_of_a_killed_runner_are_completed_by_another_within_8_seconds(fleet: Fleet) -> None:
    first = fleet.start()
    agent = fleet.agent("first_hangs")
    tasks = [fleet.task(agent) for _ in range(3)]
    fleet.until(lambda: all(fleet.status(task) == "processing" for task in tasks))
    fleet.start()
    first.kill()
    took_s = fleet.until(lambda: all(fleet.status(task) == "completed" for task in tasks))
    assert took_s <= 8
    rows = fleet.all("SELECT retry_count, crash_count FROM agent_tasks")
    assert rows == [{"retry_count": 0, "crash_count": 1}] * 3


@pytest.mark.slow
def test_a_frozen_runner_writes_nothing_over_what_another_did_meanwhile(fleet: Fleet) -> None:
    fleet.connection.execute("CREATE TABLE effects (task_id uuid, attempt integer)")
    frozen = fleet.start(OPPSPOT_LEASE="3")
    task = fleet.task(fleet.agent("saving"), '{"s": 2}')
    fleet.until(lambda: fleet.status(task) == "processing")
    frozen.send_signal(signal.SIGSTOP)
    fleet.start(OPPSPOT_LEASE="3")
    fleet.until(lambda: fleet.status(task) == "completed")
    before = fleet.one("SELECT * FROM agent_tasks WHERE id = %s", (task,))
    members = {row["id"] for row in fleet.all("SELECT id FROM task_runners")}
    frozen.send_signal(signal.SIGCONT)
    # It has come back to life when it has joined under a new id.
    fleet.until(
        lambda: any(row["id"] not in members for row in fleet.all("SELECT id FROM task_runners"))
    )
    assert fleet.one("SELECT * FROM agent_tasks WHERE id = %s", (task,)) == before
    assert fleet.all("SELECT attempt FROM effects") == [{"attempt": 2}]


@pytest.mark.slow
def test_stop_gives_a_long_task_back_uncharged_and_another_runner_completes_it(
    fleet: Fleet,
) -> None:
    process = fleet.start(OPPSPOT_GRACE="0.5")
    task = fleet.task(fleet.agent("first_hangs"))
    fleet.until(lambda: fleet.status(task) == "processing")
    said = fleet.command("stop", "--json")
    assert said.returncode == 0, said.stderr
    assert len(json.loads(said.stdout)["stopped"]) == 1
    assert process.wait(10) == 0
    row = fleet.one("SELECT status, retry_count, crash_count FROM agent_tasks")
    assert row == {"status": "pending", "retry_count": 0, "crash_count": 0}
    fleet.start()
    fleet.until(lambda: fleet.status(task) == "completed")


@pytest.mark.slow
def test_the_first_term_lets_a_task_end_and_the_second_gives_it_back(fleet: Fleet) -> None:
    process = fleet.start(OPPSPOT_GRACE="60")
    task = fleet.task(fleet.agent("first_hangs"))
    fleet.until(lambda: fleet.status(task) == "processing")
    process.send_signal(signal.SIGTERM)
    fleet.until(lambda: fleet.all("SELECT id FROM task_runners WHERE state = 'stopping'") != [])
    assert fleet.status(task) == "processing"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert fleet.status(task) == "pending"


@pytest.mark.slow
def test_a_runner_in_the_background_of_a_script_stops_by_term_and_not_by_ctrl_c(
    fleet: Fleet,
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as such a script does; it is inherited
    try:
        process = fleet.start()
    finally:
        signal.signal(signal.SIGINT, before)
    process.send_signal(signal.SIGINT)
    task = fleet.task(fleet.agent("quick"))
    fleet.until(lambda: fleet.status(task) == "completed")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


@pytest.mark.slow
def test_a_terminal_that_closes_stops_a_runner_and_charges_nobody(fleet: Fleet) -> None:
    process = fleet.start(OPPSPOT_GRACE="0")
    task = fleet.task(fleet.agent("first_hangs"))
    fleet.until(lambda: fleet.status(task) == "processing")
    process.send_signal(signal.SIGHUP)
    assert process.wait(10) == 0
    row = fleet.one("SELECT status, crash_count FROM agent_tasks")
    assert row == {"status": "pending", "crash_count": 0}


@pytest.mark.slow
def test_the_service_manager_hears_ready_watchdog_and_stopping(
    fleet: Fleet, notify_socket: NotifySocket
) -> None:
    process = fleet.start(NOTIFY_SOCKET=notify_socket.path, WATCHDOG_USEC="600000")
    notify_socket.wait_for("READY=1")
    notify_socket.wait_for("WATCHDOG=1")
    task = fleet.task(fleet.agent("blocks_the_loop"), '{"s": 2}')
    fleet.until(lambda: fleet.status(task) == "processing")
    while notify_socket.heard(0.05) is not None:
        continue
    assert notify_socket.heard(0.9) is None, "the watchdog was fed though the loop hung"
    notify_socket.wait_for("WATCHDOG=1")
    process.send_signal(signal.SIGTERM)
    notify_socket.wait_for("STOPPING=1")
    assert process.wait(10) == 0


@pytest.mark.slow
def test_detach_status_pause_resume_stop(fleet: Fleet) -> None:
    nothing = fleet.command("status", "--json")
    assert nothing.returncode == 3
    started = fleet.command("start", "--detach", "--import", "tests.daemon.sample_agents")
    assert started.returncode == 0, started.stderr
    assert int((fleet.folder / "oppspot-runner" / "runner.pid").read_text()) > 1
    again = fleet.command("start", "--detach")
    assert again.returncode == 1
    assert "running already" in again.stderr
    assert fleet.command("status").returncode == 0
    assert fleet.command("pause").returncode == 0
    fleet.until(lambda: fleet.one("SELECT state FROM task_runners")["state"] == "paused")
    task = fleet.task(fleet.agent("quick"))
    assert fleet.command("resume").returncode == 0
    fleet.until(lambda: fleet.status(task) == "completed")
    assert fleet.command("stop").returncode == 0
    assert fleet.command("status").returncode == 3


@pytest.mark.slow
def test_a_database_that_is_not_there_is_one_clear_line(fleet: Fleet) -> None:
    said = fleet.command(
        "start", DATABASE_URL="postgresql://me:hunter2@127.0.0.1:1/none?connect_timeout=2"
    )
    assert said.returncode == 1
    assert len(said.stderr.strip().splitlines()) == 1
    assert "cannot reach the database 127.0.0.1:1/none" in said.stderr
    assert "hunter2" not in said.stderr


def test_without_a_terminal_nobody_gets_an_empty_private_database_by_mistake(
    fleet: Fleet,
) -> None:
    said = fleet.command("start", DATABASE_URL="")
    assert said.returncode == 1
    assert "--embedded" in said.stderr


def test_a_setting_that_means_nothing_is_in_the_log(fleet: Fleet) -> None:
    said = fleet.command("start", "--drain-and-exit", OPPSPOT_CONCURENCY="5")
    assert said.returncode == 0
    (line,) = (json.loads(text) for text in said.stderr.splitlines())
    assert (line["name"], line["nearest"]) == ("OPPSPOT_CONCURENCY", "OPPSPOT_CONCURRENCY")


def test_every_line_of_the_log_is_json(fleet: Fleet) -> None:
    fleet.task(fleet.agent("talkative"))
    said = fleet.command(
        "start",
        "--drain-and-exit",
        "--import",
        "tests.daemon.sample_agents",
        OPPSPOT_LOG="json",
        OPPSPOT_LOG_LEVEL="info",
    )
    assert said.returncode == 0
    lines = [json.loads(line) for line in said.stderr.splitlines()]
    assert all(line.keys() >= {"level", "logger", "event", "timestamp"} for line in lines)
    assert {line["logger"] for line in lines} >= {
        "oppspot_runner",
        "theirs",
        "py.warnings",
        "asyncio",
    }
    assert "hunter2" not in said.stderr
