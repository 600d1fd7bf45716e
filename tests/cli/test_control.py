"""`stop`, `pause` and `resume`, through a runner that obeys and one that does not."""

from __future__ import annotations

import re
import socket

import pytest

from oppspot_runner.cli import session
from oppspot_runner.db.pool import Database
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


@pytest.mark.parametrize("verb", ["stop", "pause", "resume"])
def test_a_runner_that_is_not_there_is_named(cli: CommandLine, rows: Rows, verb: str) -> None:
    dead = rows.runner(lease_s=-1)
    ended = cli(verb, "--runner", str(dead), "--runner", "77")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"error: not running: runner {dead}, 77."
        " `oppspot-runner status` shows the ids of those that run.\n"
    )
    assert cli(verb, "--runner", "77", "--json").json["unknown"] == [77]
    assert (cli(verb).code, cli(verb).out) == (0, "No runner is running.\n")


def test_those_that_are_there_stop_though_another_is_not(
    cli: CommandLine, live_runner: int
) -> None:
    ended = cli("stop", "--runner", str(live_runner), "--runner", "77", "--json")
    assert ended.code == 1
    assert ended.json == {"stopped": [live_runner], "waiting": [], "unknown": [77]}
    assert "not running: runner 77." in ended.err


def test_a_host_is_drained_without_knowing_its_runners(
    cli: CommandLine, rows: Rows, live_runner: int
) -> None:
    rows("UPDATE task_runners SET host = %s", socket.gethostname())
    elsewhere = rows.runner()
    assert cli("stop", "--here", "--runner", str(elsewhere)).code == 2
    stopped = cli.json("stop", "--here")
    assert stopped == {"stopped": [live_runner], "waiting": [], "unknown": []}
    assert rows.value("SELECT desired FROM task_runners WHERE id = %s", elsewhere) == "run"


def test_a_runner_that_does_not_stop_is_named_with_advice(cli: CommandLine, rows: Rows) -> None:
    silent = rows.runner(state="stopped")  # idle on request, but alive
    ended = cli("stop", "--timeout", "0")
    assert (ended.code, ended.err) == (1, "")
    assert ended.out == (
        f"Not yet stopped after 0 s: runner {silent}."
        f" `oppspot-runner stop --now --runner {silent}` gives their tasks back at once.\n"
    )
    assert "stop --now" not in cli("stop", "--now", "--timeout", "0").out


def test_advice_on_a_runner_that_does_not_stop_is_not_about_others(
    cli: CommandLine, rows: Rows
) -> None:
    silent, _ = rows.runner(state="stopped"), rows.runner(state="stopped")
    said = cli("stop", "--runner", str(silent), "--timeout", "0").out
    assert re.findall(r"--runner (\d+)", said) == [str(silent)]


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


def test_a_pause_of_what_nothing_is_called_yet_holds_and_says_so(
    cli: CommandLine, rows: Rows
) -> None:
    ended = cli("pause", "--type", "digset")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith(" Note: nothing has the type digset yet.\n")
    assert cli.json("pause", "--org", "00000000-0000-0000-0000-000000000007")["known"] is False
    assert rows.value("SELECT count(*) FROM task_pauses") == 2


def test_a_pause_knows_agents_and_waiting_tasks(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent("Digest", "digest")
    rows('UPDATE ai_agents SET configuration = \'{"task_type": "lane"}\' WHERE id = %s', agent)
    rows.agent("Plain", "plain")
    rows.task(agent, task_type="ready")
    rows.task(agent, task_type="later", scheduled_for="2999-01-01Z")
    rows.begin(rows.task(agent, task_type="on"), rows.runner())
    rows.task(agent, task_type="past", status="completed")
    names = ("digest", "lane", "agent_execution", "ready", "later", "on", "past")
    known = {name: cli.json("pause", "--type", name)["known"] for name in names}
    assert known == {**dict.fromkeys(names, True), "past": False}
    assert cli.json("pause", "--agent", agent)["known"] is True


def test_two_scopes_at_once_are_wrong_usage(cli: CommandLine) -> None:
    assert cli("pause", "--type", "x", "--runner", "1").code == 2
    assert cli("pause", "--org", "x").code == 1


def test_without_the_private_postgres_no_runner_is_there_to_be_asked(bare_cli: CommandLine) -> None:
    ended = bare_cli("pause")
    assert (ended.code, ended.out) == (0, "No runner is running.\n")
    assert bare_cli("stop", "--runner", "77").code == 1


def test_what_is_paused_before_the_private_postgres_runs_stays_paused(
    bare_cli: CommandLine, rows: Rows, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    # Stands for the private server, which does not run yet.
    monkeypatch.setattr(session, "opened", lambda settings: Database(dsn))
    assert bare_cli("pause", "--type", "digest").code == 0
    assert rows.value("SELECT key FROM task_pauses") == "digest"
