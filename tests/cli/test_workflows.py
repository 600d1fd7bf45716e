"""Workflows by the command line: conditions, plans, graphs, approvals, runs done again."""

from __future__ import annotations

import pytest

from tests.cli.conftest import CommandLine, Rows


@pytest.fixture
def leads(cli: CommandLine, rows: Rows) -> str:
    """A stream with Find, and then Write if it found something and somebody approves."""
    for name in ("Find", "Write", "Tidy"):
        rows.agent(name, name.lower())
    stream = cli.json("streams", "create", "Leads")["id"]
    assert cli("streams", "assign", "Leads", "Find").code == 0
    words = ["--after", "Find", "--condition", "$.output.n > 0", "--approval"]
    assert cli("streams", "assign", "Leads", "Write", *words, "--approval-timeout", "2h").code == 0
    words = ["--after", "Write", "--on-failure", "run", "--max-parallel", "2"]
    assert cli("streams", "assign", "Leads", "Tidy", *words).code == 0
    return str(stream)


def end_task(rows: Rows, agent: str, status: str = "completed", output: str = "{}") -> None:
    """Ends the open task of an agent by hand, with an output."""
    rows(
        "WITH e AS (INSERT INTO agent_executions (status, output_data) VALUES ('completed', %s)"
        " RETURNING id) UPDATE stream_run_nodes n SET execution_id = e.id FROM e, ai_agents a"
        " WHERE a.id = n.agent_id AND a.name = %s AND n.status = 'queued'",
        output,
        agent,
    )
    rows(
        "UPDATE agent_tasks t SET status = %s FROM ai_agents a WHERE a.id = t.agent_id"
        " AND a.name = %s AND t.status = 'pending'",
        status,
        agent,
    )


def states(cli: CommandLine, run: str) -> dict[str, str]:
    nodes = cli.json("runs", "show", run)["nodes"]
    return {node["agent_name"]: node["status"] for node in nodes}


def reason(cli: CommandLine, run: str, agent: str) -> dict[str, str]:
    (found,) = cli.json("tasks", "explain", run, "--agent", agent)["reasons"]
    return dict(found)


def test_what_is_assigned_is_kept(cli: CommandLine, leads: str) -> None:
    rows = {row["agent_name"]: row for row in cli.json("streams", "show", leads)["assignments"]}
    write, tidy = rows["Write"], rows["Tidy"]
    assert (write["condition"], write["requires_approval"]) == ('($."output"."n" > 0)', True)
    assert write["approval_timeout"] == "02:00:00"
    assert (tidy["on_failure"], tidy["max_parallel"]) == ("run", 2)
    wrong = cli("streams", "assign", leads, "Write", "--condition", "$.output.n >")
    assert wrong.code == 1
    assert "the condition '$.output.n >' is not a jsonpath: " in wrong.err
    assert "at end of jsonpath input. Write a path such as --condition '$.output." in wrong.err
    wrong = cli("streams", "assign", leads, "Write", "--condition", "$.outputs.n > 1")
    assert "looks at $.outputs, which is not there" in wrong.err
    assert "It looks at $.output, $.input and $.stream." in wrong.err
    assert cli("streams", "assign", leads, "Write", "--approval-timeout", "soon").code == 2


def test_an_approval_is_waited_for_explained_and_given(
    cli: CommandLine, rows: Rows, leads: str
) -> None:
    run = cli.json("streams", "run", "Leads")["run_id"]
    assert cli("runs", "approve", run).code == 1
    end_task(rows, "Find", output='{"n": 1}')
    assert states(cli, run) == {
        "Find": "completed",
        "Write": "awaiting_approval",
        "Tidy": "waiting",
    }
    found = reason(cli, run, "Write")
    assert found["text"].startswith("somebody has to approve of it, until 20")
    assert cli.json(*found["fix"].split()[1:])["approved"] == 1
    assert states(cli, run)["Write"] == "queued"
    assert "until 20" not in cli("runs", "show", run).out


@pytest.mark.slow
def test_a_refused_agent_is_cancelled_with_what_is_below_it(
    cli: CommandLine, rows: Rows, leads: str
) -> None:
    run = cli.json("streams", "run", "Leads")["run_id"]
    end_task(rows, "Find", output='{"n": 1}')
    assert "until 20" in cli("runs", "show", run).out
    ended = cli("runs", "cancel", run, "--agent", "Write", "--reason", "not this time")
    assert f"Run {run} is cancelled; 0 task(s)" in ended.out
    assert states(cli, run) == {"Find": "completed", "Write": "cancelled", "Tidy": "cancelled"}
    found = reason(cli, run, "Tidy")
    assert found["text"] == "Tidy was cancelled: not this time"
    again = cli.json(*found["fix"].split()[1:])
    assert again["rerun_of"] == run
    assert states(cli, again["run_id"]) == {
        "Find": "completed", "Write": "awaiting_approval", "Tidy": "waiting",
    }  # fmt: skip
    assert run in cli("runs", "show", again["run_id"]).out


def test_a_condition_that_does_not_hold_is_named_below_it_too(
    cli: CommandLine, rows: Rows, leads: str
) -> None:
    cli("streams", "assign", leads, "Tidy", "--on-failure", "skip")
    run = cli.json("streams", "run", "Leads")["run_id"]
    end_task(rows, "Find", output='{"n": 0}')
    assert states(cli, run) == {"Find": "completed", "Write": "skipped", "Tidy": "skipped"}
    why = 'its condition does not hold: ($."output"."n" > 0)'
    assert reason(cli, run, "Write")["text"] == f"Write was skipped: {why}"
    found = reason(cli, run, "Tidy")
    assert found["text"] == f"Tidy was skipped, because Write was skipped: {why}"
    cli("streams", "assign", leads, "Write", "--condition", "", "--no-approval")
    assert cli.json("streams", "show", leads)["assignments"][1]["condition"] is None


def test_an_agent_that_fails_with_the_one_above_it_says_so(
    cli: CommandLine, rows: Rows, leads: str
) -> None:
    cli("streams", "assign", leads, "Write", "--on-failure", "fail")
    run = cli.json("streams", "run", "Leads")["run_id"]
    end_task(rows, "Find", "failed")
    assert states(cli, run) == {"Find": "failed", "Write": "failed", "Tidy": "queued"}
    assert reason(cli, run, "Write")["text"].startswith("Write failed, because Find failed")


def test_a_graph_is_started_at_its_root(cli: CommandLine, rows: Rows) -> None:
    cli.json("agents", "create", "--type", "work", "--name", "Top")
    for name in ("Left", "Right"):
        cli.json("agents", "create", "--type", "work", "--name", name, "--parent", "Top")
    run = cli.json("runs", "start", "Top", "--payload", '{"a": 1}', "--max-parallel", "1")["run_id"]
    assert rows.value("SELECT payload FROM agent_tasks") == {"a": 1}
    assert "(a graph)" in cli("runs", "list").out
    end_task(rows, "Top", output='{"b": 2}')
    assert sorted(states(cli, run).values()) == ["completed", "queued", "ready"]
    held = next(name for name, state in states(cli, run).items() if state == "ready")
    assert "may have 1 agents on at once" in reason(cli, run, held)["text"]
    assert rows.value("SELECT payload FROM agent_tasks WHERE status = 'pending'") == {"b": 2}
    found = cli.json("runs", "show", run)
    assert (found["run"]["strategy"], found["run"]["max_parallel"]) == ("event", 1)
    assert list(found["results"].values()) == [{"b": 2}]
    levels = cli.json("runs", "start", "Top", "--strategy", "level")["run_id"]
    assert "level" in cli("runs", "show", levels).out
    assert "there is no agent" in cli("runs", "start", "Nobody").err


def test_what_was_set_is_shown(cli: CommandLine, leads: str) -> None:
    words = ["--frequency", "daily", "--schedule-options", '{"jitter": 9}']
    shown = " ".join(cli("streams", "assign", "Leads", "Tidy", *words).out.split())
    for part in (
        'only if ($."output"."n" > 0); after an approval within 02:00:00',
        "on a failure above: run; at most 2 of the run at once; frequency: daily; schedule",
    ):
        assert part in shown
    assert 'frequency: daily; schedule options: {"jitter": 9}' in cli("streams", "plan", leads).out


def test_a_plan_notes_a_condition_that_nothing_can_meet(cli: CommandLine, leads: str) -> None:
    cli("streams", "assign", "Leads", "Find", "--condition", "$.output.n > 0")
    assert "has nothing before it" in " ".join(cli("streams", "plan", "Leads").out.split())


def test_a_plan_shows_levels_and_draws_them(cli: CommandLine, rows: Rows, leads: str) -> None:
    ended = cli("streams", "plan", "Leads")
    assert ended.code == 0
    assert "no runner is alive that says which agent types it knows" in ended.err
    assert 'only if ($."output"."n" > 0); after an approval within 02:00:00' in ended.out
    found = cli.json("streams", "plan", "Leads")
    assert [(one["name"], one["level"]) for one in found["agents"]] == [
        ("Find", 0), ("Write", 1), ("Tidy", 2),
    ]  # fmt: skip
    assert cli("streams", "assign", "Leads", "Find", "--condition", "$.input.n < 3").code == 0
    assert cli("streams", "plan", "Leads", "--mermaid").out.splitlines() == [
        "flowchart TD",
        '    a0["Find<br>only if ($.#quot;input#quot;.#quot;n#quot; #lt; 3)"]',
        '    a1{{"Write<br>only if ($.#quot;output#quot;.#quot;n#quot; #gt; 0)"}}',
        '    a2["Tidy"]',
        "    a0 --> a1",
        "    a1 --> a2",
    ]


def test_a_plan_says_what_is_missing(cli: CommandLine, rows: Rows, leads: str) -> None:
    rows("UPDATE task_runners SET agent_types = '{find}' WHERE id = %s", rows.runner())
    rows("UPDATE ai_agents SET is_active = false WHERE name = 'Find'")
    cli("streams", "assign", "Leads", "Tidy", "--by-hand")
    rows(
        "UPDATE stream_agent_assignments x SET depends_on_agent_ids = depends_on_agent_ids || a.id"
        " FROM ai_agents a WHERE a.name = 'Tidy' AND x.condition IS NOT NULL"
    )
    ended = cli("streams", "plan", "Leads")
    assert ended.code == 1
    assert "Find: the agent is inactive" in ended.err
    assert "Write: no live runner knows the agent type 'write'" in ended.err
    assert "does not wait for Tidy, which the run leaves out" in ended.out
    assert "is left out: it is only started by hand" in ended.out
    rows("UPDATE stream_agent_assignments SET auto_execute = true")
    circle = cli("streams", "plan", "Leads")
    assert circle.code == 1
    assert "the agents wait for each other: " in circle.err
    cli.json("streams", "create", "Empty")
    assert cli("streams", "plan", "Empty").code == 1
