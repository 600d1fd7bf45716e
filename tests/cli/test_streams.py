"""`streams` and `runs`: from an empty database to a chain that is cancelled."""

from __future__ import annotations

from typing import Any

import pytest

from oppspot_runner.agents.registry import Registry
from tests.cli.conftest import CommandLine, Rows


@pytest.fixture
def leads(cli: CommandLine, rows: Rows) -> str:
    """A stream with Find, then Enrich, then Score."""
    for name in ("Find", "Enrich", "Score"):
        rows.agent(name, name.lower())
    stream = cli.json("streams", "create", "Leads", "--criteria", '{"location": ["UK"]}')["id"]
    assert cli("streams", "assign", "Leads", "Find", "--role", "primary", "--order", "1").code == 0
    assert cli("streams", "assign", stream[:18], "enrich", "--after", "Find").code == 0
    assert cli("streams", "assign", "Leads", "Score", "--after", "Enrich").code == 0
    return str(stream)


def test_a_stream_shows_its_goal_agents_and_runs(cli: CommandLine, leads: str) -> None:
    started = cli("streams", "run", "Leads", "--priority", "8", "--json")
    run = started.json["run_id"]
    assert started.err == "No runner is running: start one with `oppspot-runner start`.\n"
    found = cli.json("streams", "show", leads)
    assert found["stream"]["goal_criteria"] == {"location": ["UK"]}
    after = [(row["agent_name"], row["depends_on"]) for row in found["assignments"]]
    assert after == [("Find", []), ("Enrich", ["Find"]), ("Score", ["Enrich"])]
    assert [row["id"] for row in found["runs"]] == [run]
    text = cli("streams", "show", "Leads").out
    for shown in (leads, '{"location": ["UK"]}', "primary", "0/3", run):
        assert shown in text
    (row,) = cli.json("streams", "list")
    assert (row["name"], row["agents"], row["items"], row["run_status"]) == (
        "Leads",
        3,
        0,
        "running",
    )
    assert "Leads" in cli("streams", "list").out


def test_a_cycle_is_refused_and_spelled_out(cli: CommandLine, rows: Rows, leads: str) -> None:
    ended = cli("streams", "assign", "Leads", "Find", "--after", "Score")
    assert ended.code == 1
    assert "the agents wait for each other: " in ended.err
    assert " -> " in ended.err
    assert cli.json("streams", "show", leads)["assignments"][0]["depends_on"] == []


def test_an_assignment_is_changed_and_keeps_the_rest(cli: CommandLine, leads: str) -> None:
    words = ["--after-nothing", "--by-hand", "--inactive", "--frequency", "weekly"]
    rows = cli.json("streams", "assign", "Leads", "Enrich", *words)["assignments"]
    enrich = next(row for row in rows if row["agent_name"] == "Enrich")
    assert (enrich["depends_on"], enrich["auto_execute"], enrich["is_active"]) == ([], False, False)
    assert enrich["execution_frequency"] == "weekly"
    assert len(rows) == 3
    assert cli("streams", "assign", "Leads", "Find", "--after", "x", "--after-nothing").code == 2


def test_what_is_missing_is_said(cli: CommandLine, rows: Rows) -> None:
    assert "streams create NAME" in cli("streams", "list").out
    assert "streams run STREAM" in cli("runs", "list").out
    cli.json("streams", "create", "Empty")
    assert "has no agents that run by themselves" in cli("streams", "run", "Empty").err
    rows.agent("A")
    rows.agent("B")
    missing = cli("streams", "assign", "Empty", "A", "--after", "B")
    assert "A depends on B, which is not assigned to the stream" in missing.err
    assert "there is no run 'beef'" in cli("runs", "show", "beef").err


def test_a_run_is_listed_shown_and_cancelled(cli: CommandLine, rows: Rows, leads: str) -> None:
    run = cli.json("streams", "run", "Leads")["run_id"]
    assert [row["id"] for row in cli.json("runs", "list", "--stream", "Leads")] == [run]
    assert cli.json("runs", "list", "--status", "failed") == []
    nodes = cli.json("runs", "show", run)["nodes"]
    assert [(node["agent_name"], node["status"]) for node in nodes] == [
        ("Find", "queued"),
        ("Enrich", "waiting"),
        ("Score", "waiting"),
    ]
    assert "0/3" in cli("runs", "show", run[:18]).out
    ended = cli("runs", "cancel", run, "--reason", "wrong goal")
    assert ended.code == 0
    assert f"Run {run} is cancelled; 1 task(s) were cancelled" in ended.out
    assert rows.value("SELECT cancel_reason FROM agent_tasks") == "wrong goal"
    nodes = cli.json("runs", "show", run)["nodes"]
    assert [node["status"] for node in nodes] == ["cancelled"] * 3


def test_a_running_run_is_cancelled_to_its_end(
    cli: CommandLine, rows: Rows, registry: Registry, leads: str, live_runner: int
) -> None:
    import asyncio
    import threading

    begun = threading.Event()

    async def find(ctx: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    registry.register(find)
    run = cli.json("streams", "run", "Leads")["run_id"]
    assert begun.wait(20)
    assert cli.json("runs", "cancel", run) == {
        "id": run,
        "status": "cancelled",
        "cancelled": 1,
        "open_tasks": 0,
    }


def test_a_run_whose_runner_does_not_answer_is_said_so(
    cli: CommandLine, rows: Rows, leads: str
) -> None:
    run = cli.json("streams", "run", "Leads")["run_id"]
    rows.begin(str(rows.value("SELECT id FROM agent_tasks")), rows.runner())
    ended = cli("runs", "cancel", run, "--timeout", "0")
    assert ended.code == 1
    assert "1 still run(s) after 0 s" in ended.out


def test_a_stream_says_how_far_it_is(cli: CommandLine, rows: Rows, leads: str) -> None:
    rows("UPDATE streams SET target_metrics = '{\"calls\": 20}', progress = '{\"calls\": 7}'")
    rows("SELECT keep_stream_progress(ARRAY[%s]::uuid[])", leads)
    assert "calls 7 of 20 (35 %)" in cli("streams", "show", leads).out
    (row,) = cli.json("streams", "list")
    assert row["percent"] == 35
    assert " 35 " in cli("streams", "list").out
