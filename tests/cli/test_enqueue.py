"""`enqueue`: one task, and a file of them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.cli.values import due_time
from tests.cli.conftest import CommandLine, Rows


def test_a_task_is_added_with_its_options(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent("Daily digest")
    stream = rows.value("INSERT INTO streams (name) VALUES ('Leads') RETURNING id")
    words = ["--payload", '{"days": 7}', "--priority", "8", "--at", "2099-01-01T00:00Z"]
    words += ["--stream", "Leads", "--key", "k", "--max-retries", "5", "--task-type", "slow"]
    made = cli.json("enqueue", "Daily digest", *words)["id"]
    (row,) = rows("SELECT * FROM agent_tasks")
    assert (str(row["id"]), str(row["agent_id"])) == (made, agent)
    assert (row["payload"], row["priority"], row["unique_key"]) == ({"days": 7}, 8, "k")
    assert (row["stream_id"], row["max_retries"], row["task_type"]) == (stream, 5, "slow")
    assert (row["parked"], row["requested_by"]) == (True, "cli")
    assert row["scheduled_for"].isoformat() == "2099-01-01T00:00:00+00:00"


def test_the_answer_names_the_task_and_says_that_nobody_runs(cli: CommandLine, rows: Rows) -> None:
    rows.agent("Daily digest")
    ended = cli("enqueue", "digest", "--at", "+10m")
    task = rows.value("SELECT id FROM agent_tasks")
    assert ended.out.startswith(f"Task {task} for Daily digest is pending, due 20")
    assert ended.err == "No runner is running: start one with `oppspot-runner start`.\n"
    wait = rows.value("SELECT scheduled_for - created_at FROM agent_tasks")
    assert wait.total_seconds() == pytest.approx(600, abs=0.01)


def test_an_inserted_task_is_run(
    cli: CommandLine, rows: Rows, registry: Any, live_runner: int
) -> None:
    async def digest(ctx: Any) -> dict[str, Any]:
        return {"days": ctx.payload["days"]}

    registry.register(digest)
    rows.agent()
    ended = cli("enqueue", "Digest", "--payload", '{"days": 7}')
    assert ended.err == ""


def test_a_payload_is_read_from_a_file(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    Path("payload.json").write_text('{"days": 3}')
    cli.json("enqueue", "Digest", "--payload", "@payload.json")
    assert rows.value("SELECT payload FROM agent_tasks") == {"days": 3}
    missing = cli("enqueue", "Digest", "--payload", "@nowhere.json")
    assert missing.code == 2
    assert "@nowhere.json cannot be read" in missing.err


def lines(*tasks: dict[str, Any]) -> str:
    return "\n".join(json.dumps(task) for task in tasks) + "\n\n"


def test_every_line_of_a_file_is_a_task(cli: CommandLine, rows: Rows) -> None:
    rows.agent("A", "a")
    rows.agent("B", "b")
    Path("tasks.jsonl").write_text(
        lines(
            {"payload": {"n": 1}},
            {"payload": {"n": 2}, "key": "k"},
            {"agent": "B", "priority": 9, "at": "+1h"},
            {"payload": {"n": 4}, "key": "k"},
        )
    )
    made = cli.json("enqueue", "A", "--from", "tasks.jsonl", "--priority", "2")
    assert made["enqueued"] == 4
    assert made["ids"][1] == made["ids"][3]
    found = rows(
        "SELECT a.name, t.payload ->> 'n' AS n, t.priority, t.parked FROM agent_tasks t"
        " JOIN ai_agents a ON a.id = t.agent_id ORDER BY t.ready_seq"
    )
    assert [tuple(row.values()) for row in found] == [
        ("A", "1", 2, False),
        ("A", "2", 2, False),
        ("B", None, 9, True),
    ]


def test_lines_come_from_stdin(
    cli: CommandLine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.agent()
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines({"agent": "Digest"})))
    ended = cli("enqueue", "--from", "-")
    assert ended.out == "1 tasks wait.\n"


BAD_LINES = [
    ("{", "line 2 is not JSON: "),
    ("[1]", "line 2 is not a JSON object"),
    ('{"agnet": "x"}', "line 2: 'agnet' means nothing. Known: agent, payload"),
    ('{"agent": "nobody"}', "line 2: there is no agent 'nobody'"),
    ('{"agent": ""}', "line 2: no agent is named"),
    ('{"payload": []}', "line 2: the payload is a list, not a JSON object"),
    ('{"priority": 11}', "line 2: the priority is 11, not 1 to 10"),
    ('{"at": "soon"}', "line 2: 'soon' is not a time"),
    ('{"at": 5}', "line 2: scheduled_for is a number, not a datetime"),
    ('{"stream": "none"}', "line 2: there is no stream 'none'"),
    ('{"key": ""}', "line 2: key is empty"),
]


def test_a_bad_line_is_named_and_nothing_is_added(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    for line, message in BAD_LINES:
        Path("tasks.jsonl").write_text(f'{{"priority": 3}}\n{line}\n')
        ended = cli("enqueue", "Digest", "--from", "tasks.jsonl")
        assert ended.code == 1
        assert ended.err.startswith(f"error: {message}")
    assert rows.value("SELECT count(*) FROM agent_tasks") == 0


def test_the_bad_line_among_many_alike_is_the_one_that_is_named(
    cli: CommandLine, rows: Rows
) -> None:
    rows.agent()
    Path("tasks.jsonl").write_text(lines(*[{}] * 500, {"payload": {"x": "\x00"}}, *[{}] * 500))
    ended = cli("enqueue", "Digest", "--from", "tasks.jsonl")
    assert ended.err.startswith("error: line 501: the payload holds a NUL character")


def test_a_file_that_is_no_text_is_refused(cli: CommandLine) -> None:
    Path("tasks.jsonl").write_bytes(b"\xff\xfe\x00")
    ended = cli("enqueue", "--from", "tasks.jsonl")
    assert ended.code == 1
    assert "tasks.jsonl is not UTF-8" in ended.err


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-01-31T09:00Z", "2026-01-31T09:00:00+00:00"),
        ("2026-01-31 09:00+01:00", "2026-01-31T08:00:00+00:00"),
        ("+30s", "2026-01-01T00:00:30+00:00"),
        ("+10m", "2026-01-01T00:10:00+00:00"),
        ("+2h", "2026-01-01T02:00:00+00:00"),
        ("+1d", "2026-01-02T00:00:00+00:00"),
    ],
)
def test_times_are_iso_or_relative(text: str, meant: str) -> None:
    from datetime import UTC, datetime

    assert due_time(text, datetime(2026, 1, 1, tzinfo=UTC)).isoformat() == meant


@pytest.mark.parametrize(
    "text", ["soon", "", "+5", "+1w", "2026-01-31T09:00", "0001-01-01T00:00+14:00", "+999999999d"]
)
def test_other_times_are_refused_with_how_to_write_them(text: str) -> None:
    from datetime import UTC, datetime

    with pytest.raises(InvalidInputError) as caught:
        due_time(text, datetime(2026, 1, 1, tzinfo=UTC))
    assert "2026-01-31T09:00Z" in caught.value.one_line()
