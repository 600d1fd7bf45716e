"""`pause` and `resume`, through a runner that obeys and one that does not."""

from __future__ import annotations

from tests.cli.conftest import CommandLine, Rows


def test_all_runners_pause_and_go_on(cli: CommandLine, rows: Rows, live_runner: int) -> None:
    paused = cli("pause")
    assert (paused.code, paused.out) == (0, f"Paused: runner {live_runner}.\n")
    assert rows.value("SELECT state FROM task_runners") == "paused"
    resumed = cli.json("resume", "--runner", str(live_runner))
    assert resumed == {"running": [live_runner], "waiting": [], "unknown": []}


def test_a_runner_that_does_not_answer_is_named(cli: CommandLine, rows: Rows) -> None:
    silent = rows.runner()
    ended = cli("pause", "--timeout", "0")
    assert (ended.code, ended.out) == (1, f"Not yet paused after 0 s: runner {silent}.\n")
    assert rows.value("SELECT desired FROM task_runners") == "pause"


def test_a_runner_that_is_not_there_is_named(cli: CommandLine) -> None:
    ended = cli("pause", "--runner", "99")
    assert (ended.code, ended.out) == (1, "Not running: runner 99.\n")
    assert cli("pause").out == "No runner is running.\n"


def test_an_agent_is_paused_by_name_and_shown(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent("Daily digest")
    assert cli("pause", "--agent", "Daily digest", "--reason", "too dear").code == 0
    assert rows("SELECT scope, key, reason FROM task_pauses") == [
        {"scope": "agent", "key": agent, "reason": "too dear"}
    ]
    assert "agent Daily digest (too dear)" in cli("status").out
    assert cli.json("resume", "--agent", "digest")["changed"] is True
    again = cli("resume", "--agent", agent)
    assert (again.code, again.out) == (0, f"The agent {agent} was not paused.\n")


def test_types_and_organisations_are_paused(cli: CommandLine, rows: Rows) -> None:
    org = str(rows.value("INSERT INTO organizations (name) VALUES ('Ours') RETURNING id"))
    assert cli("pause", "--type", "slow").code == 0
    assert cli("pause", "--org", org.upper()).code == 0
    found = rows("SELECT scope, key FROM task_pauses ORDER BY scope")
    assert found == [{"scope": "org", "key": org}, {"scope": "type", "key": "slow"}]


def test_two_scopes_at_once_are_wrong_usage(cli: CommandLine) -> None:
    assert cli("pause", "--type", "x", "--runner", "1").code == 2
    assert cli("pause", "--org", "x").code == 1


def test_without_the_private_postgres_there_is_nothing_to_pause(bare_cli: CommandLine) -> None:
    ended = bare_cli("pause")
    assert ended.code == 0
    assert ended.out.startswith("The private Postgres is not running")
