"""`agents list|create|update`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import CommandLine, Rows


def test_an_agent_is_created_listed_and_changed(cli: CommandLine, rows: Rows) -> None:
    org = str(rows.value("INSERT INTO organizations (name) VALUES ('Ours') RETURNING id"))
    words = ["--name", "Scout", "--configuration", '{"threshold": 0.7}', "--cron", "0 9 * * *"]
    made = cli.json(
        "agents", "create", "--type", "scout_agent", *words, "--timezone", "Europe/London",
        "--org", org, "--inactive",
    )["id"]  # fmt: skip
    (row,) = cli.json("agents", "list")
    assert (row["id"], row["name"], row["agent_type"]) == (made, "Scout", "scout_agent")
    assert (row["schedule_cron"], row["schedule_timezone"]) == ("0 9 * * *", "Europe/London")
    assert (row["configuration"], row["is_active"]) == ({"threshold": 0.7}, False)
    assert row["org_id"] == org
    assert cli("agents", "update", "Scout", "--active", "--cron", "").code == 0
    (row,) = cli.json("agents", "list", "--type", "scout_agent", "--org", org)
    assert (row["is_active"], row["schedule_cron"]) == (True, None)
    assert row["configuration"] == {"threshold": 0.7}
    assert cli.json("agents", "list", "--type", "other") == []


def test_the_list_reads_well(cli: CommandLine, rows: Rows) -> None:
    assert "agents create --type TYPE" in cli("agents", "list").out
    agent = cli.json("agents", "create", "--type", "digest", "--cron", "@daily")["id"]
    text = cli("agents", "list").out
    for shown in (agent, "digest", "yes", "@daily"):
        assert shown in text


def test_creation_says_what_to_type_next(cli: CommandLine) -> None:
    ended = cli("agents", "create", "--type", "digest")
    assert ended.out.endswith("Run it with `oppspot-runner enqueue 'digest'`.\n")


def test_the_name_may_come_first(cli: CommandLine, rows: Rows) -> None:
    cli.json("agents", "create", "Scout", "--type", "scout_agent")
    assert rows.value("SELECT name FROM ai_agents") == "Scout"
    both = cli("agents", "create", "Scout", "--type", "x", "--name", "Spy")
    assert (both.code, "either NAME or --name" in both.err) == (2, True)


def test_bad_values_are_refused(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    refusals = {
        ("create", "--type", "x", "--cron", "61 * * * *"): "is not a cron expression",
        ("create", "--type", "x", "--timezone", "Europe/Lodnon"): "Did you mean Europe/London?",
        ("create", "--type", ""): "agent_type is empty",
        ("update", "Digest"): "nothing is given that should change",
        ("update", "nobody", "--name", "x"): "there is no agent 'nobody'",
    }
    for words, message in refusals.items():
        ended = cli("agents", *words)
        assert ended.code == 1
        assert message in ended.err
    assert cli("agents", "create").code == 2


def test_a_test_answers_at_once_and_puts_no_task_in(cli: CommandLine, rows: Rows) -> None:
    words = ["--type", "llm", "--configuration", '{"model": "mock:echo"}', "--inactive"]
    made = cli.json("agents", "create", "Echo", *words)["id"]
    assert cli("agents", "test", "Echo", "--input", "hello").out == "hello\n"
    tested = cli.json("agents", "test", "Echo", "--payload", '{"input": "hello"}')
    assert (tested["agent_id"], tested["success"]) == (made, True)
    assert tested["test_output"]["response"] == "hello"
    assert rows.value("SELECT count(*) FROM agent_tasks") == 0
    assert cli("agents", "test", "Echo").code == 2
    failed = cli("agents", "test", "Echo", "--payload", "{}")
    assert (failed.code, "nothing to ask the model" in failed.err) == (1, True)


def test_keys_are_rotated(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "OPPSPOT_SECRET_KEY is not set" in cli("agents", "rotate-keys").err
    monkeypatch.setenv("OPPSPOT_SECRET_KEY", "A" * 43 + "=")
    assert cli.json("agents", "rotate-keys") == {"rotated": 0}
