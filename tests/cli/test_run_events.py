"""`runs events` and `runs show --watch`: what happened, what happens, and how it ended."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from datetime import UTC
from typing import Any

import pytest
from rich.console import Console

from oppspot_runner.agents.registry import Registry
from oppspot_runner.base.errors import Fail
from oppspot_runner.cli import output, run_watch
from tests.cli.conftest import CommandLine, Rows


@pytest.fixture
def run(cli: CommandLine, rows: Rows) -> str:
    """A run of Find, then Score, that waits for a runner."""
    for name in ("Find", "Score"):
        rows.agent(name, name.lower())
    cli.json("streams", "create", "Leads")
    assert cli("streams", "assign", "Leads", "Find").code == 0
    assert cli("streams", "assign", "Leads", "Score", "--after", "Find").code == 0
    return str(cli.json("streams", "run", "Leads")["run_id"])


@pytest.fixture
def talking(registry: Registry) -> Registry:
    async def find(ctx: Any) -> dict[str, Any]:
        await ctx.emit_chunk("Acme,\x1b[31m red")
        await ctx.progress(1, 2, "half")
        ctx.log.error("one is missing", company="Bell")
        return {"found": 2}

    async def score(ctx: Any) -> dict[str, Any]:
        return {"best": "Acme"}

    registry.register(find)
    registry.register(score)
    return registry


def test_a_run_is_followed_to_its_end(
    cli: CommandLine, talking: Registry, live_runner: int, run: str
) -> None:
    ended = cli("runs", "events", run[:18], "--follow")
    assert ended.code == 0
    said = [line.split(maxsplit=2)[2] for line in ended.out.splitlines()]
    assert said == [
        "Find: queued",
        "Find: running",
        "Find: > Acme,\\x1b[31m red",
        "Find: 1/2 half",
        "Find: error one is missing",
        'Find: output {"found": 2}',
        "Find: completed",
        "Score: queued",
        "Score: running",
        'Score: output {"best": "Acme"}',
        "Score: completed",
        "the run: completed, with the results of 2 agent(s)",
    ]


def test_events_as_json_are_an_object_a_line_and_resume_after_a_number(
    cli: CommandLine, talking: Registry, live_runner: int, run: str
) -> None:
    whole = cli("runs", "events", run, "--follow", "--json")
    told = [json.loads(line) for line in whole.out.splitlines()]
    assert [one["seq"] for one in told] == list(range(1, len(told) + 1))
    assert told[1].items() >= {"type": "status", "status": "running", "agent_name": "Find"}.items()
    assert told[-1]["type"] == "completed"
    assert list(told[-1]["results"].values()) == [{"found": 2}, {"best": "Acme"}]
    rest = cli("runs", "events", run, "--after", "9", "--json")
    assert [json.loads(line) for line in rest.out.splitlines()] == told[9:]
    assert cli("runs", "events", run, "--after", str(len(told)), "--follow").out == ""


def test_what_happened_so_far_is_shown_without_waiting(cli: CommandLine, run: str) -> None:
    ended = cli("runs", "events", run)
    assert (ended.code, ended.out.split(maxsplit=2)[2]) == (0, "Find: queued\n")


@pytest.fixture
def failing(registry: Registry) -> None:
    async def find(ctx: Any) -> None:
        raise Fail("no register")

    registry.register(find)


@pytest.mark.usefixtures("failing", "live_runner")
def test_a_run_that_failed_is_an_error(cli: CommandLine, run: str) -> None:
    for words in (["events", run, "--follow"], ["show", run, "--watch"]):
        ended = cli("runs", *words)
        assert ended.code == 1
        assert "Score: skipped" in ended.out
        assert "the run: failed: Find failed: no register" in ended.out


def test_watching_without_a_terminal_prints_lines(
    cli: CommandLine, talking: Registry, live_runner: int, run: str
) -> None:
    ended = cli("runs", "show", run, "--watch")
    assert ended.code == 0
    assert ended.out.splitlines()[-1].endswith("completed, with the results of 2 agent(s)")
    as_json = cli("runs", "show", run, "--watch", "--json")
    assert json.loads(as_json.out.splitlines()[-1])["type"] == "completed"


def test_watching_on_a_terminal_shows_the_tree_as_it_ends(
    cli: CommandLine,
    talking: Registry,
    live_runner: int,
    run: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(
        output, "console", lambda: Console(force_terminal=True, width=100, no_color=True)
    )
    ended = cli("runs", "show", run, "--watch")
    assert ended.code == 0
    plain = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", ended.out.replace("\r", "\n"))
    *_, find, score, end = (line for line in plain.splitlines() if line.strip())
    assert find.split()[:2] == ["Find", "completed"]
    assert score.startswith("  Score")
    assert "The run completed, with the results of 2 agent(s)." in end


def test_a_tree_shows_bars_texts_and_errors(cli: CommandLine, rows: Rows, run: str) -> None:
    from datetime import datetime
    from uuid import UUID, uuid4

    from oppspot_runner.workflow.run_events import EventType, RunEvent

    find, score = uuid4(), uuid4()
    nodes: list[Any] = [
        {"agent_id": find, "agent_name": "Find", "level": 0},
        {"agent_id": score, "agent_name": None, "level": 1},
    ]
    tree = run_watch.RunTree(nodes)

    def take(agent: UUID | None, kind: EventType, **data: Any) -> str:
        now = datetime.now(UTC)
        tree.take(RunEvent(UUID(run), 1, kind, agent, None, None, None, now, data))
        console = Console(width=120)
        with console.capture() as shown:
            console.print(tree.render())
        return shown.get()

    assert "━" in take(find, "progress", done=1, total=2, message="half")
    assert "half" in take(find, "progress", done="odd", total=None, message="half")
    assert "a\\x1b b" in take(find, "output_chunk", chunk="a\x1b\nb".replace("\n", " "))
    assert "failed" in take(score, "status", status="failed", error="no register")
    due = {"due_at": "2026-01-31T10:00:00.5+01:00"}
    shown = take(find, "status", status="queued", error="no answer", **due)
    assert "queued" in shown
    assert "no answer, again at 2026-01-31 09:00:00Z" in shown
    shown = take(find, "status", status="waiting", reason="for the event approval", **due)
    assert "for the event approval, until 2026-01-31 09:00:00Z" in shown
    assert "approval, until" not in take(
        find, "status", status="waiting", reason="for the event approval"
    )
    assert "The run failed: it did." in take(None, "error", error="it did", results={})


WATCHERS = {
    "tree": (["show", "--watch"], "runs show {run} --watch"),
    "lines": (["events", "--follow"], "runs events {run} --follow --after 1"),
    "json": (["show", "--watch", "--json"], "runs events {run} --follow --after 1"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", WATCHERS)
def test_ctrl_c_ends_a_watcher_not_the_run_and_leaves_the_terminal_clean(
    cli: CommandLine, rows: Rows, run: str, kind: str
) -> None:
    (command, *options), resume = WATCHERS[kind]
    words = [sys.executable, "-m", "oppspot_runner", "runs", command, run, *options]
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, start_new_session=True
    ) as watcher:
        shown = ""
        while "queued" not in shown:  # the first event is there; another one will not come
            shown += os.read(ours, 10_000).decode()
        watcher.send_signal(signal.SIGINT)
        _, err = watcher.communicate(timeout=20)
    after = termios.tcgetattr(theirs)
    os.close(theirs)
    shown += read_to_the_end(ours)
    assert watcher.returncode == 130
    assert [line for line in err.decode().splitlines() if line] == [
        f"The run goes on without you. Resume with `oppspot-runner {resume.format(run=run)}`."
    ]
    assert after == before
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h"), "the cursor stays hidden"
    assert shown.rfind("\x1b[?25l") <= shown.rfind("\x1b[?25h")
    assert re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", shown).endswith("\n"), "the prompt begins a line"
    assert rows.value("SELECT status FROM stream_runs WHERE id = %s", run) == "running"


def read_to_the_end(terminal: int) -> str:
    """What is left to be read, and closes it."""
    text = b""
    try:
        while piece := os.read(terminal, 10_000):
            text += piece
    except OSError:  # the other side is closed
        pass
    os.close(terminal)
    return text.decode()
