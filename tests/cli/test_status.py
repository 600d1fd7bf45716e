"""`status`: its shape, its exit codes, and what it calls unhealthy."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from oppspot_runner.app.status import Status, read_status
from oppspot_runner.base.settings import Settings
from oppspot_runner.db import embedded
from oppspot_runner.db.pool import Database
from tests.cli.conftest import CommandLine, Rows


def lay(rows: Rows, *, since_s: int = 60) -> str:
    """A task that has been due for so long."""
    agent = rows.agent()
    task = rows.task(agent)
    rows(
        "UPDATE agent_tasks SET created_at = created_at - make_interval(secs => %s),"
        " scheduled_for = scheduled_for - make_interval(secs => %s)",
        since_s,
        since_s,
    )
    return task


def test_nothing_running_is_exit_code_3(cli: CommandLine, dsn: str) -> None:
    ended = cli("status")
    assert ended.code == 3
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    assert f"/{name}" in ended.out
    assert "oppspot-runner start" in ended.out


def test_the_private_postgres_is_named_and_not_started(
    bare_cli: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "oppspot-runner" / "postgres"
    ended = bare_cli("status")
    assert ended.code == 3
    assert f"the private Postgres in {folder}, not running" in ended.out
    assert "0 total" not in ended.out, "nobody counted"
    assert bare_cli("status", "--json").json["runner"]["status"] == "stopped"
    assert not folder.exists()


@pytest.mark.slow
def test_the_private_postgres_is_not_stopped_under_the_eyes_of_who_looks(
    bare_cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data" / "oppspot-runner" / "postgres"
    share = embedded.acquire(folder)
    assert bare_cli.json("agents", "list") == []

    async def look(database: Database, settings: Settings) -> Status:
        share.release()  # the last runner ends
        return await read_status(database, settings)

    monkeypatch.setattr("oppspot_runner.cli.status.read_status", look)
    ended = bare_cli("status")
    assert ended.code == 3
    assert f"connect   {share.dsn}" in ended.out
    assert embedded.find_running(folder) is None
    embedded.remove(folder)


def test_watching_shows_it_again_until_interrupted(
    cli: CommandLine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.runner()
    seen = []

    async def pause(seconds: float) -> None:
        seen.append(seconds)
        if len(seen) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("oppspot_runner.cli.status.asyncio.sleep", pause)
    ended = cli("status", "--watch", "--json")
    assert ended.code == 130
    frames = [json.loads(line) for line in ended.out.splitlines()]
    assert [frame["runner"]["status"] for frame in frames] == ["running"] * 3


def test_what_will_renew_a_runner_is_seen_beforehand(cli: CommandLine, rows: Rows) -> None:
    runner = rows.runner()
    rows("UPDATE task_runners SET hanging = 2 WHERE id = %s", runner)
    said = cli("status")
    assert said.code == 0
    assert f"runner {runner}: 2 agent(s) that were cut off still run" in said.out


def test_a_runner_whose_loop_stands_still_is_unhealthy(cli: CommandLine, rows: Rows) -> None:
    runner = rows.runner()
    rows("UPDATE task_runners SET lag_ms = 12000 WHERE id = %s", runner)
    said = cli("status")
    assert said.code == 4
    assert "stands still for 12 s: an agent blocks its event loop" in " ".join(said.out.split())


def test_json_has_the_shape_that_http_has(cli: CommandLine, rows: Rows) -> None:
    agent, runner = rows.agent(), rows.runner()
    rows.task(agent, status="failed", error_message="no key")
    rows.task(agent, status="completed")
    on = rows.task(agent, progress='{"done": 1, "total": 2, "message": "rows"}')
    rows.begin(on, runner)
    ended = cli("status", "--json")
    found = ended.json
    assert list(found) == [
        "success",
        "runner",
        "stats",
        "runners",
        "wanted_runners",
        "wanted_slots",
        "waiting",
        "breakers",
        "hosts",
        "attention",
        "undelivered",
        "recent_tasks",
    ]
    assert found["success"] is True
    assert found["runner"] == {
        "status": "running",
        "polling_interval": 5000,
        "max_concurrent_tasks": 3,
    }
    assert found["stats"] == {
        "pending": 0,
        "processing": 1,
        "completed": 1,
        "failed": 1,
        "cancelled": 0,
        "total": 3,
    }
    (shown,) = found["runners"]
    assert list(shown) == [
        "id",
        "host",
        "pid",
        "state",
        "slots",
        "running",
        "heartbeat_age_s",
        "started_at",
        "wake",
        "lag_ms",
        "hanging",
        "version",
        "labels",
        "task_types",
    ]
    assert (shown["id"], shown["running"], shown["wake"]) == (runner, 1, "poll")
    first, *ends = found["recent_tasks"]
    assert (first["id"], first["status"], first["progress"]["done"]) == (on, "processing", 1)
    assert {task["status"] for task in ends} == {"failed", "completed"}
    assert ended.err.startswith("database: ")


def test_a_live_runner_is_healthy(cli: CommandLine, rows: Rows, live_runner: int) -> None:
    ended = cli("status")
    assert ended.code == 0
    assert "1 runner, 3 slots" in ended.out
    assert cli("status", "--json").json["runners"][0]["id"] == live_runner


def test_a_paused_fleet_is_healthy(cli: CommandLine, rows: Rows) -> None:
    rows.runner(state="paused")
    lay(rows)
    ended = cli("status", "--json")
    assert (ended.code, ended.json["runner"]["status"]) == (0, "paused")


def test_runners_that_were_told_to_idle_count_as_stopped(cli: CommandLine, rows: Rows) -> None:
    rows.runner(state="stopped")
    ended = cli("status", "--json")
    assert (ended.code, ended.json["runner"]["status"]) == (3, "stopped")


def test_a_late_heartbeat_is_unhealthy(cli: CommandLine, rows: Rows) -> None:
    late = rows.runner(beat_age_s=11)
    ended = cli("status")
    assert ended.code == 4
    assert f"unhealthy: runner {late} on far (pid 7) has not been heard of for 11 s" in ended.out


def test_a_runner_that_died_with_tasks_is_unhealthy(cli: CommandLine, rows: Rows) -> None:
    dead, _ = rows.runner(beat_age_s=40, lease_s=-5), rows.runner()
    rows.begin(rows.task(rows.agent()), dead)
    ended = cli("status", "--json")
    assert ended.code == 4
    assert "died 40 s ago with 1 task(s) in its name" in ended.err
    assert [row["state"] for row in ended.json["runners"]] == ["dead", "running"]
    assert ended.json["runner"]["max_concurrent_tasks"] == 3


def test_a_dead_runner_alone_is_nothing_running(cli: CommandLine, rows: Rows) -> None:
    rows.begin(rows.task(rows.agent()), rows.runner(beat_age_s=40, lease_s=-5))
    ended = cli("status")
    assert ended.code == 3
    assert "died 40 s ago" in ended.out


def test_due_work_that_is_left_lying_is_unhealthy(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    lay(rows, since_s=60)
    ended = cli("status")
    assert ended.code == 4
    assert "unhealthy: a task has been due for 60 s, slots are free" in ended.out


def test_behind_a_task_that_runs_alone_nothing_is_left_lying(cli: CommandLine, rows: Rows) -> None:
    runner = rows.runner()
    lonely = rows.task(rows.agent("Killer", "killer"), crash_count=2)
    rows.begin(lonely, runner)
    rows("UPDATE agent_tasks SET started_at = started_at - interval '1 h'")
    lay(rows, since_s=60)
    ended = cli("status")
    assert (ended.code, "unhealthy" in ended.out) == (0, False)
    assert f"runner {runner}: a task that took down two runners has it for itself" in ended.out
    rows("UPDATE agent_tasks SET crash_count = 1 WHERE id = %s", lonely)
    assert cli("status").code == 4


def test_a_task_that_nobody_moved_into_line_is_left_lying_too(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    task = lay(rows)
    rows("UPDATE agent_tasks SET parked = true WHERE id = %s", task)
    assert cli("status").code == 4


def test_work_that_has_just_become_due_is_not_left_lying(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    lay(rows, since_s=8)
    assert cli("status").code == 0


def test_a_backlog_that_moves_is_not_left_lying(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    lay(rows)
    rows("INSERT INTO agent_executions (status) VALUES ('completed')")
    assert cli("status").code == 0


def test_paused_work_is_not_left_lying(cli: CommandLine, rows: Rows) -> None:
    org = rows.value("INSERT INTO organizations (name) VALUES ('Ours') RETURNING id")
    rows.runner()
    lay(rows)
    rows("UPDATE agent_tasks SET org_id = %s", org)
    agent = rows.value("SELECT id FROM ai_agents")
    for scope, key, shown in (
        ("agent", str(agent), "agent Digest"),
        ("type", "digest", "type digest"),
        ("type", "agent_execution", "type agent_execution"),
        ("org", str(org), f"org {org}"),
    ):
        rows("INSERT INTO task_pauses (scope, key) VALUES (%s, %s)", scope, key)
        ended = cli("status")
        assert ended.code == 0
        assert shown in ended.out
        rows("DELETE FROM task_pauses")
    assert cli("status").code == 4


def test_work_for_a_busy_runner_or_of_another_type_is_not_left_lying(
    cli: CommandLine, rows: Rows
) -> None:
    runner = rows.runner()
    lay(rows)
    rows("UPDATE task_runners SET task_types = '{other}'")
    assert cli("status").code == 0
    rows("UPDATE task_runners SET task_types = NULL, slots = 1")
    rows.begin(rows.task(rows.agent()), runner)
    rows(
        "UPDATE agent_tasks SET started_at = started_at - interval '1 hour'"
        " WHERE status = 'processing'"
    )
    assert cli("status").code == 0


def test_names_and_errors_of_rows_are_not_obeyed(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent("[red]Evil\x1b[2J")
    rows.task(agent, status="failed", error_message="\x1b]0;owned\x07[/red]")
    ended = cli("status")
    assert "\x1b" not in ended.out
    assert "[red]Evil\\x1b[2J" in ended.out
    assert "\\x1b]0;owned\\x07[/red]" in ended.out


def test_status_says_how_many_runners_would_clear_the_line(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    agent = rows.agent()
    rows("INSERT INTO agent_executions (agent_id, duration_ms) VALUES (%s, 60000)", agent)
    for _ in range(7):
        rows.task(agent)
    found = cli("status", "--json").json
    assert found["wanted_runners"] == 3  # of three slots each
    (wanted,) = found["wanted_slots"]
    assert wanted == {
        "task_type": "agent_execution",
        "labels": [],
        "ready": 7,
        "running": 0,
        "slots": 7,
    }
