"""`enqueue --from`: a task for each line, and what becomes of lines that are none."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.cli import task_lines
from oppspot_runner.cli.task_lines import MOST_LINE_BYTES, read_portions, size_of
from tests.cli.conftest import CommandLine, Rows

FILE = Path("tasks.jsonl")
PROGRAM = [sys.executable, "-m", "oppspot_runner", "enqueue", "Digest", "--from", "-"]


def write(*tasks: Any, end: str = "\n") -> None:
    FILE.write_text("\n".join(json.dumps(task) for task in tasks) + end)


def payloads(rows: Rows) -> list[Any]:
    return [row["payload"] for row in rows("SELECT payload FROM agent_tasks ORDER BY ready_seq")]


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_lines, "MOST_ROWS", 3)


def test_with_an_agent_each_line_is_a_payload(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    write({"days": 1}, {}, {"agent": "x", "priority": 3}, end="\n\n")
    ended = cli("enqueue", "Digest", "--from", "tasks.jsonl", "--priority", "2", "--at", "+1h")
    assert (ended.code, ended.out) == (0, "3 tasks added.\n")
    assert payloads(rows) == [{"days": 1}, {}, {"agent": "x", "priority": 3}]
    assert rows("SELECT DISTINCT priority, parked, requested_by FROM agent_tasks") == [
        {"priority": 2, "parked": True, "requested_by": "cli"}
    ]


def test_without_an_agent_each_line_is_a_whole_task(cli: CommandLine, rows: Rows) -> None:
    rows.agent("A", "a")
    agent = rows.agent("B", "b")
    stream = rows.value("INSERT INTO streams (name) VALUES ('Leads') RETURNING id")
    write(
        {"agent": "A"},
        {"agent": "b", "payload": {"n": 2}, "priority": 9, "at": "+1h", "key": "k"},
        {"agent": agent[:18], "stream": "Leads", "max_retries": 0, "task_type": "slow"},
        {"agent": "B", "payload": {"n": 5}, "limit_key": "example.org", "max_retries": 8},
        {"agent": "A", "payload": {"n": 4}, "key": None, "at": "2026-01-01T00:00Z"},
    )
    made = cli.json("enqueue", "--from", "tasks.jsonl", "--priority", "2", "--max-retries", "8")
    assert made == {
        "lines": 5,
        "added": 5,
        "replaced": 0,
        "skipped": 0,
        "left_out": 0,
        "reasons": [],
    }
    found = rows(
        "SELECT a.name, t.payload ->> 'n' AS n, t.priority, t.parked, t.unique_key, t.stream_id,"
        " t.max_retries, t.task_type, t.limit_key"
        " FROM agent_tasks t JOIN ai_agents a ON a.id = t.agent_id"
    )
    usual = (8, "agent_execution", None)
    assert sorted(tuple(map(str, row.values())) for row in found) == sorted(
        tuple(map(str, row))
        for row in (
            ("A", None, 2, False, None, None, *usual),
            ("B", 2, 9, True, "k", None, *usual),
            ("B", None, 2, False, None, stream, 0, "slow", None),
            ("B", 5, 2, False, None, None, 8, "agent_execution", "example.org"),
            ("A", 4, 2, False, None, None, *usual),
        )
    )


def test_keys_are_skipped_replaced_or_left_out(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    write(*({"agent": "Digest", "payload": {"n": n}, "key": key} for n, key in enumerate("aab")))
    ended = cli("enqueue", "--from", "tasks.jsonl")
    assert ended.out == "2 tasks added; 1 not added, for their keys are taken.\n"
    assert [one["n"] for one in payloads(rows)] == [0, 2]
    ended = cli("enqueue", "--from", "tasks.jsonl", "--on-conflict", "replace")
    assert (ended.code, ended.out) == (0, "0 tasks added; 3 replaced.\n")
    assert [one["n"] for one in payloads(rows)] == [1, 2]
    ended = cli("enqueue", "--from", "tasks.jsonl", "--on-conflict", "raise")
    assert (ended.code, ended.out) == (1, "0 tasks added; 3 lines left out.\n")
    assert "line 3: task " in ended.err


BAD_LINES = [
    ("{", "it is not JSON: Expecting property name enclosed in double quotes at character 2"),
    ("[1]", "it is not a JSON object"),
    ('{"agent": "Digest", "agnet": "x"}', "'agnet' means nothing. Known: agent, payload, "),
    ('{"agent": "nobody"}', "there is no agent 'nobody'. "),
    ('{"agent": ""}', "the agent is empty"),
    ('{"agent": 5}', "the agent is a number, not text"),
    ('{"priority": 1}', "no agent is named"),
    ('{"agent": "Digest", "payload": []}', "the payload is a list, not a JSON object"),
    ('{"agent": "Digest", "payload": {"x": "\\u0000"}}', "the payload holds a NUL character"),
    ('{"agent": "Digest", "payload": {"x": NaN}}', "the payload is not JSON: Out of range"),
    ('{"agent": "Digest", "priority": 11}', "the priority is 11, not 1 to 10"),
    ('{"agent": "Digest", "max_retries": -1}', "max_retries is -1, not 0 to 1000"),
    ('{"agent": "Digest", "at": "soon"}', "'soon' is not a time. Write 2026-01-31T09:00Z"),
    ('{"agent": "Digest", "at": 5}', "scheduled_for is a number, not a datetime"),
    ('{"agent": "Digest", "stream": "none"}', "there is no stream 'none'. "),
    ('{"agent": "Digest", "stream": ""}', "the stream is empty"),
    ('{"agent": "Digest", "key": ""}', "unique_key is empty"),
    ('{"agent": "Digest", "at": "9999-12-31T00:00Z"}', "scheduled_for is 9999-12-31"),
    ("9" * 5000, "it cannot be read: Exceeds the limit"),
]


def test_bad_lines_are_left_out_and_told_with_their_numbers(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    good = '{"agent": "Digest"}'
    FILE.write_text("".join(f"{good}\n{line}\n\n" for line, _ in BAD_LINES))
    ended = cli("enqueue", "--from", "tasks.jsonl")
    assert (ended.code, ended.out) == (1, "19 tasks added; 19 lines left out.\n")
    told = ended.err.splitlines()
    for place, (line, message) in enumerate(BAD_LINES):
        assert told[place].startswith(f"line {3 * place + 2}: {message}"), line
    assert rows.value("SELECT count(*) FROM agent_tasks") == len(BAD_LINES)


@pytest.mark.parametrize(("line", "message"), BAD_LINES)
def test_strict_adds_all_or_nothing(
    line: str, message: str, cli: CommandLine, rows: Rows, small_portions: None
) -> None:
    rows.agent()
    FILE.write_text('{"agent": "Digest"}\n' * 5 + f"{line}\n")
    ended = cli("enqueue", "--from", "tasks.jsonl", "--strict")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: line 6: {message}")
    assert rows.value("SELECT count(*) FROM agent_tasks") == 0


def test_strict_adds_all(cli: CommandLine, rows: Rows, small_portions: None) -> None:
    rows.agent()
    write(*({"n": n} for n in range(10)))
    assert cli("enqueue", "Digest", "--from", "tasks.jsonl", "--strict").code == 0
    assert [one["n"] for one in payloads(rows)] == list(range(10))


def test_a_whole_task_is_not_taken_for_a_payload(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    write({"payload": {"n": 1}, "key": "k"}, {"payload": 1, "other": 2})
    ended = cli("enqueue", "Digest", "--from", "tasks.jsonl")
    assert ended.code == 1
    assert "line 1: it looks like a whole task, not like a payload. Leave AGENT out" in ended.err
    assert payloads(rows) == [{"payload": 1, "other": 2}]


def test_the_reasons_are_in_the_json_too(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    FILE.write_text("{}\n" + "nonsense\n" * 150)
    ended = cli("enqueue", "Digest", "--from", "tasks.jsonl", "--json")
    assert (ended.code, ended.json["left_out"], len(ended.json["reasons"])) == (1, 150, 100)
    assert ended.json["reasons"][0] == {
        "line": 2,
        "reason": "it is not JSON: Expecting value at character 1",
    }
    assert len(ended.err.splitlines()) == 151  # every line, and that nobody runs


def test_what_a_broken_load_has_added_is_told(
    cli: CommandLine, rows: Rows, small_portions: None
) -> None:
    rows.agent()
    rows("ALTER TABLE agent_tasks ADD CHECK (payload ->> 'n' <> '7')")
    write(*({"n": n} for n in range(10)))
    ended = cli("enqueue", "Digest", "--from", "tasks.jsonl")
    assert ended.code == 1
    assert ended.err.startswith("Of lines 1 to 6: 6 tasks added.\nerror: agent_tasks refuses")
    assert rows.value("SELECT count(*) FROM agent_tasks") == 6


def test_lines_of_any_editor_are_read(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    FILE.write_bytes(b'\xef\xbb\xbf{"n": 1}\r\n  \r\n{"n": "\xc3\xa9"}\r\n{"n": "\xe9"}')
    ended = cli("enqueue", "Digest", "--from", "tasks.jsonl")
    assert payloads(rows) == [{"n": 1}, {"n": "é"}]
    assert ended.err.startswith("line 4: it is not UTF-8\n")


def test_a_line_without_end_is_not_kept() -> None:
    lengths = []

    class Endless:
        """The second line of this file is 100 MB long."""

        def __init__(self) -> None:
            self.left = [b"{}\n", *[b"x" * (MOST_LINE_BYTES + 1)] * 12, b"x\n", b"{}\n", b""]

        def readline(self, size: int) -> bytes:
            lengths.append(size)
            return self.left.pop(0)

    (first, second) = read_portions(Endless())  # type: ignore[arg-type]
    lines = [*first.lines, *second.lines]
    assert [(line.number, line.fault) for line in lines] == [
        (1, ""),
        (2, "it is longer than 8,388,608 bytes"),
        (3, ""),
    ]
    assert set(lengths) == {MOST_LINE_BYTES + 1}


def test_portions_say_how_far_they_reach(tmp_path: Path, small_portions: None) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"{}\n\n{}\n{}\n{}\n")
    with path.open("rb") as file:
        assert size_of(file) == 13
        reached = [(len(one.lines), one.done_bytes) for one in read_portions(file)]
    assert reached == [(3, 10), (1, 13)]


def test_mixtures_that_mean_nothing_are_wrong_usage(cli: CommandLine) -> None:
    write({})
    for words, message in (
        ([], "which agent? Give AGENT, or --from FILE"),
        (["Digest", "--strict"], "--strict is for --from FILE"),
        (["Digest", "--from", "tasks.jsonl", "--key", "k"], "the lines say it, not --key"),
        (["--from", "tasks.jsonl", "--payload", "{}"], "the lines say it, not --payload"),
    ):
        ended = cli("enqueue", *words)
        assert (ended.code, message in ended.err) == (2, True), ended.err


def test_a_file_that_is_not_there_is_one_line(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    ended = cli("enqueue", "Digest", "--from", "nowhere.jsonl")
    assert ended.err == "error: cannot read nowhere.jsonl: No such file or directory\n"


def test_an_agent_or_stream_that_is_not_there_ends_it_at_once(cli: CommandLine) -> None:
    write({})
    ended = cli("enqueue", "Nobody", "--from", "tasks.jsonl")
    assert (ended.code, "there is no agent 'Nobody'" in ended.err) == (1, True)


@pytest.fixture
def process(cli: CommandLine) -> Iterator[Any]:
    """Starts the command as a process of its own; ended at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**streams: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(PROGRAM, stdout=-1, stderr=-1, **streams))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


@pytest.mark.slow
def test_lines_come_from_stdin(rows: Rows, process: Any) -> None:
    rows.agent()
    out, err = process(stdin=subprocess.PIPE).communicate(b'{"n": 1}\nnonsense\n', 30)
    assert out == b"1 task added; 1 line left out.\n"
    assert err.startswith(b"line 2: it is not JSON")
    assert payloads(rows) == [{"n": 1}]


def test_ctrl_c_ends_it_while_a_terminal_is_read(rows: Rows, process: Any) -> None:
    rows.agent()
    ours, theirs = pty.openpty()
    running = process(stdin=theirs, start_new_session=True)
    os.write(ours, b'{"n": 1}\n')
    reading = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"  # not of autovacuum
    )
    while rows.value(reading) == 0:
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=20)
    assert (running.returncode, b"Traceback" in err, b"Fatal" in err) == (130, False, False)
    os.close(ours)
    os.close(theirs)


def test_a_bar_is_shown_on_a_terminal(rows: Rows, process: Any) -> None:
    rows.agent()
    ours, theirs = pty.openpty()
    FILE.write_text("{}\nnonsense\n")
    with FILE.open("rb") as file:
        running = subprocess.Popen(PROGRAM, stdin=file, stdout=subprocess.PIPE, stderr=theirs)
        out, _ = running.communicate(timeout=30)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert out == b"1 task added; 1 line left out.\n"
    assert "enqueue" in shown
    assert "line 2: it is not JSON" in shown
