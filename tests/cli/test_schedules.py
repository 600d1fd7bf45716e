"""`schedules list|next|pause|resume|run-now`, and what agents and streams refuse to write."""

from __future__ import annotations

import pytest

from tests.cli.conftest import CommandLine, Rows


@pytest.fixture
def scout(cli: CommandLine) -> str:
    words = ("--type", "scout_agent", "--name", "Scout", "--cron", "0 9 * * *")
    agent = cli.json("agents", "create", *words, "--timezone", "Europe/London")["id"]
    assert isinstance(agent, str)
    return agent


def test_a_list_shows_schedules_and_when_they_fire_next(cli: CommandLine, scout: str) -> None:
    (row,) = cli.json("schedules", "list")
    assert (row["agent_id"], row["name"], row["state"]) == (scout, "Scout", "active")
    assert row["due_at"].endswith((":00:00+00:00",))
    shown = cli("schedules", "list").out
    assert "Scout" in shown
    assert "Europe/London" in shown


def test_next_shows_due_times_of_one_and_of_all(cli: CommandLine, scout: str, rows: Rows) -> None:
    rows("UPDATE schedules SET since = '2125-03-24T12:00Z'")
    due = [row["due_at"] for row in cli.json("schedules", "next", "Scout", "--count", "3")]
    assert due == [f"2125-03-2{day}T0{hour}:00:00+00:00" for day, hour in ((5, 8), (6, 8), (7, 8))]
    cli.json("agents", "create", "--type", "other", "--cron", "0 10 * * *")
    rows("UPDATE schedules SET since = '2125-03-24T12:00Z'")
    names = [row["name"] for row in cli.json("schedules", "next", "--count", "4")]
    assert names == ["Scout", "other", "Scout", "other"]
    assert "2125-03-25 09:00:00" in cli("schedules", "next").out


def test_pause_and_resume(cli: CommandLine, scout: str) -> None:
    assert "Paused" in cli("schedules", "pause", "Scout").out
    assert cli.json("schedules", "list")[0]["state"] == "paused"
    assert cli.json("schedules", "next") == []
    assert cli.json("schedules", "resume", "Scout")["changed"] is True
    assert "was not paused" in cli("schedules", "resume", "Scout").out
    assert cli.json("schedules", "list")[0]["state"] == "active"


def test_run_now_starts_what_a_tick_would_start(cli: CommandLine, scout: str, rows: Rows) -> None:
    started = cli("schedules", "run-now", "Scout", "--json")
    task = started.json["task_id"]
    assert started.err == "No runner is running: start one with `oppspot-runner start`.\n"
    (row,) = rows("SELECT id::text, agent_id::text, requested_by FROM agent_tasks")
    assert row == {"id": task, "agent_id": scout, "requested_by": "schedule run-now"}
    assert rows.value("SELECT last_task_id::text FROM schedules") == task
    cli("agents", "update", "Scout", "--inactive")
    refused = cli("schedules", "run-now", "Scout")
    assert refused.code == 1
    assert "Scout is inactive" in refused.err


def test_a_schedule_for_a_stream_is_named_by_both(cli: CommandLine, scout: str) -> None:
    for stream in ("Leads", "Churn"):
        cli.json("streams", "create", stream)
        cli("streams", "assign", stream, "Scout", "--frequency", "hourly")
    assert cli.json("schedules", "pause", "Scout")["stream_id"] is None
    named = cli.json("schedules", "pause", "Scout", "--stream", "Leads")
    assert named["name"] == "Scout in Leads"
    cli("agents", "update", "Scout", "--cron", "")
    refused = cli("schedules", "pause", "Scout")
    assert refused.code == 1
    assert "2 schedules, one for each of the streams Churn, Leads" in refused.err
    cli("streams", "assign", "Churn", "Scout", "--frequency", "manual")
    assert cli.json("schedules", "resume", "Scout")["name"] == "Scout in Leads"
    cli("streams", "assign", "Leads", "Scout", "--frequency", "Manual")
    missing = cli("schedules", "resume", "Scout")
    assert missing.code == 1
    assert "no such schedule" in missing.err


def test_an_error_is_on_top_with_its_reason(cli: CommandLine, scout: str, rows: Rows) -> None:
    rows("INSERT INTO ai_agents (agent_type, name, schedule_cron) VALUES ('x', 'Broken', 'often')")
    rows("UPDATE schedules SET error = 'means nothing' WHERE expression = 'often'")
    first, second = cli.json("schedules", "list")
    assert (first["name"], first["state"], first["due_at"]) == ("Broken", "failed", None)
    assert second["state"] == "active"
    assert "means nothing" in cli("schedules", "list").out
    assert "means nothing" in cli("doctor").out
    refused = cli("schedules", "resume", "Broken")
    assert refused.code == 1
    assert "often" in refused.err
    rows("UPDATE schedules SET expression = '@daily' WHERE expression = 'often'")
    assert cli.json("schedules", "resume", "Broken")["changed"] is True


def test_a_due_time_that_was_skipped_is_told(cli: CommandLine, scout: str, rows: Rows) -> None:
    task = rows.task(scout)
    rows(
        "UPDATE schedules SET last_task_id = %s, last_fired_at = '2025-06-01T09:00Z',"
        " last_due_at = '2025-06-02T09:00Z'",
        task,
    )
    assert "2025-06-02 09:00:00Z was skipped" in cli("schedules", "list").out


def test_status_has_a_line_for_schedules(cli: CommandLine, scout: str, rows: Rows) -> None:
    assert "1 active" in cli("status").out
    rows("UPDATE schedules SET error = 'means nothing'")
    assert "0 active · 1 with an error" in cli("status").out


def test_next_tells_why_nothing_comes(cli: CommandLine, scout: str, rows: Rows) -> None:
    rows("UPDATE ai_agents SET schedule_cron = 'often'")
    rows("UPDATE schedules SET error = 'means nothing'")
    assert "Nothing comes due: means nothing" in cli("schedules", "next", "Scout").out
    assert "Nothing comes due: 1 with an error" in cli("schedules", "next").out
    cli.json("streams", "create", "Leads")
    cli("streams", "assign", "Leads", "Scout", "--frequency", "realtime")
    words = ("schedules", "next", "Scout", "--stream", "Leads")
    assert "starts when the stream gains something" in cli(*words).out


def test_an_endless_expression_does_not_fill_the_table(
    cli: CommandLine, scout: str, rows: Rows
) -> None:
    long = f"0 {','.join(str(hour) for hour in range(24))} * * 1-5"
    rows("UPDATE ai_agents SET schedule_cron = %s", long)
    assert f" {long[:37]}... " in cli("schedules", "list").out
    assert cli.json("schedules", "list")[0]["expression"] == long


def test_no_schedule(cli: CommandLine) -> None:
    assert "No schedule" in cli("schedules", "list").out
    assert "Nothing comes due" in cli("schedules", "next").out
    assert cli("schedules", "next", "--stream", "Leads").code == 2


LONG = "0" + ",0" * 2500 + " * * * *"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cron", LONG), "5,009 characters, more than 200"),
        (("--cron", "0 0 30 2 *"), "names a day that never comes"),
        (("--cron", "0 9 * * *", "--timezone", "Europe/Londn"), "Did you mean Europe/London?"),
        (("--configuration", '{"schedule": {"overlap": "no"}}'), "schedule's overlap"),
        (("--configuration", '{"schedule": {"jitter": -1}}'), "schedule's jitter"),
        (("--configuration", '{"schedule": {"misfires": "all"}}'), "schedule's misfires"),
        (("--configuration", '{"schedule": "daily"}'), "schedule's options"),
    ],
)
def test_what_means_nothing_is_refused(
    cli: CommandLine, scout: str, words: tuple[str, ...], message: str
) -> None:
    refused = cli("agents", "update", "Scout", *words)
    assert refused.code == 1
    assert message in refused.err
    assert "Value error" not in refused.err
    assert cli.json("schedules", "list")[0]["expression"] == "0 9 * * *"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--frequency", "often"), "A frequency is hourly, daily, weekly, realtime, manual"),
        (("--frequency", "0 0 31 2 *"), "names a day that never comes"),
        (("--schedule-options", '{"limit": 0}'), "schedule's limit"),
    ],
)
def test_a_frequency_that_means_nothing_is_refused(
    cli: CommandLine, scout: str, words: tuple[str, ...], message: str
) -> None:
    cli.json("streams", "create", "Leads")
    refused = cli("streams", "assign", "Leads", "Scout", *words)
    assert refused.code == 1
    assert message in refused.err
    assert "Value error" not in refused.err
