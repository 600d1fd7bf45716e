"""`enqueue`: one task."""

from __future__ import annotations

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
    words += ["--limit-key", "example.org"]
    made = cli.json("enqueue", "Daily digest", *words)["id"]
    (row,) = rows("SELECT * FROM agent_tasks")
    assert (str(row["id"]), str(row["agent_id"])) == (made, agent)
    assert (row["payload"], row["priority"], row["unique_key"]) == ({"days": 7}, 8, "k")
    assert (row["stream_id"], row["max_retries"], row["task_type"]) == (stream, 5, "slow")
    assert (row["parked"], row["requested_by"]) == (True, "cli")
    assert row["limit_key"] == "example.org"
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


def test_a_taken_key_is_skipped_replaced_or_refused(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    first = cli.json("enqueue", "Digest", "--key", "k", "--payload", '{"n": 1}')
    assert cli.json("enqueue", "Digest", "--key", "k", "--payload", '{"n": 2}') == first
    assert rows.value("SELECT payload FROM agent_tasks") == {"n": 1}
    replace = ("--key", "k", "--on-conflict", "replace")
    assert cli.json("enqueue", "Digest", *replace, "--payload", '{"n": 3}') == first
    assert rows.value("SELECT payload FROM agent_tasks") == {"n": 3}
    refused = cli("enqueue", "Digest", "--key", "k", "--on-conflict", "raise")
    assert refused.code == 1
    assert f"task {first['id']} has the unique_key 'k' already" in refused.err
    assert cli("enqueue", "Digest", "--on-conflict", "merge").code == 2


def test_a_taken_key_is_said_to_be_taken(cli: CommandLine, rows: Rows) -> None:
    rows.agent()
    first = cli.json("enqueue", "Digest", "--key", "k")["id"]
    rest = f"Task {first} for Digest is pending.\n"
    skipped = "Nothing was added: its key is that of a task that has not ended. "
    assert cli("enqueue", "Digest", "--key", "k").out == skipped + rest
    replaced = "A waiting task with its key was replaced. "
    assert cli("enqueue", "Digest", "--key", "k", "--on-conflict", "replace").out == replaced + rest


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
