"""`dead-letters list|show|requeue|discard`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from oppspot_runner.queue import dead_letters
from tests.cli.conftest import CommandLine, Rows


def failed(rows: Rows, agent: str, error: str | None, **columns: Any) -> str:
    return rows.task(agent, **columns, error_message=error, status="failed")


@pytest.fixture
def three(rows: Rows) -> dict[str, list[str]]:
    """Failures of two kinds, by two agents."""
    digest, scout = rows.agent(), rows.agent("Scout", "scout")
    return {
        "dates": [
            failed(rows, digest, "ValueError: no such date '2026-13-01' (line 12 of load)"),
            failed(rows, scout, "ValueError: no such date '13' (line 14 of load)"),
        ],
        "key": [failed(rows, scout, "no key", task_type="slow")],
    }


def statuses(rows: Rows) -> dict[str, str]:
    return {str(row["id"]): row["status"] for row in rows("SELECT id, status FROM agent_tasks")}


def test_failures_that_differ_only_in_values_are_one_group(
    cli: CommandLine, rows: Rows, three: dict[str, list[str]]
) -> None:
    key, dates = cli.json("dead-letters", "list")
    assert (dates["tasks"], dates["agents"]) == (2, ["Digest", "Scout"])
    assert dates["error_pattern"] == "ValueError: no such date ? (line ? of load)"
    assert dates["last_id"] == three["dates"][1]
    assert dates["first_seen"] < dates["last_seen"]
    assert (key["tasks"], key["last_error"]) == (1, "no key")
    seen = rows("SELECT DISTINCT fingerprint, error_pattern FROM dead_letter_tasks")
    assert {(row["fingerprint"], row["error_pattern"]) for row in seen} == {
        (group["fingerprint"], group["error_pattern"]) for group in (key, dates)
    }
    text = cli("dead-letters", "list").out
    assert "Digest, Scout" in text
    assert len(text.splitlines()) == 3
    assert len(cli.json("dead-letters", "list", "--limit", "1")) == 1


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (["--agent", "Digest"], {"dates": 1}),
        (["--type", "scout"], {"dates": 1, "key": 1}),
        (["--type", "slow"], {"key": 1}),
        (["--error", "NO SUCH"], {"dates": 2}),
        (["--error", "100%"], {}),
        (["--since", "2h"], {"dates": 2, "key": 1}),
        (["--since", "2099-01-01T00:00Z"], {}),
        (["--org", "00000000-0000-7000-8000-000000000001"], {}),
        (["--agent", "Scout", "--error", "key"], {"key": 1}),
    ],
)
def test_filters_choose_among_them(
    cli: CommandLine, three: dict[str, list[str]], words: list[str], kinds: dict[str, int]
) -> None:
    found = cli.json("dead-letters", "list", *words)
    kind = {True: "dates", False: "key"}
    assert {kind["date" in one["error_pattern"]]: one["tasks"] for one in found} == kinds
    single = cli.json("dead-letters", "list", "--tasks", *words)
    assert len(single) == sum(kinds.values())


def test_a_group_is_chosen_by_its_fingerprint(
    cli: CommandLine, rows: Rows, three: dict[str, list[str]]
) -> None:
    _, dates = cli.json("dead-letters", "list")
    chosen = ["--fingerprint", dates["fingerprint"]]
    single = cli.json("dead-letters", "list", "--tasks", *chosen)
    assert [one["id"] for one in single] == three["dates"][::-1]
    result = cli.json("dead-letters", "requeue", "--all", *chosen)
    assert result == {"matched": 2, "changed": 2}
    now = statuses(rows)
    assert [now[one] for one in (*three["dates"], *three["key"])] == [
        "pending",
        "pending",
        "failed",
    ]


def test_without_dead_letters_that_is_said(cli: CommandLine) -> None:
    assert cli("dead-letters", "list").out == "No dead letter.\n"
    assert cli("dead-letters", "requeue", "--all").out == "No dead letter.\n"
    assert cli("dead-letters", "list", "--since", "yesterday").code == 1
    assert "out of range" in cli("dead-letters", "list", "--since", "999999999d").err


def test_the_evidence_of_a_failure_is_shown(cli: CommandLine, rows: Rows) -> None:
    runner, agent = rows.runner(), rows.agent()
    task = failed(rows, agent, "the runner was lost three times", crash_count=3)
    failed(rows, agent, "the runner was lost three times")
    rows(
        "INSERT INTO agent_executions (task_id, attempt, status, error_message, runner_id)"
        " VALUES (%s, 1, 'failed', 'the runner on near (pid 3) was lost', 999),"
        " (%s, 2, 'failed', 'x', %s)",
        task,
        task,
        runner,
    )
    text = cli("dead-letters", "show", task[:18]).out
    for shown in ("the runner on near (pid 3) was lost", "far", "crashes", "fingerprint"):
        assert shown in text
    found = cli.json("dead-letters", "show", task)
    assert [one["host"] for one in found["attempts"]] == [None, "far"]
    assert found["group"]["tasks"] == 2
    waiting = rows.task(agent)
    assert "is no dead letter" in cli("dead-letters", "show", waiting).err


def test_a_task_is_requeued_with_another_payload_and_keeps_its_steps(
    cli: CommandLine, rows: Rows
) -> None:
    task = failed(rows, rows.agent(), "no such date", payload='{"day": 32}', retry_count=3)
    rows(
        "INSERT INTO agent_steps (task_id, name, seq, result, attempt) VALUES (%s, 'a', 0, '1', 1)",
        task,
    )
    (result,) = cli.json("dead-letters", "requeue", task, "--payload", '{"day": 31}')
    assert result == {"id": task, "status": "pending", "changed": True}
    (row,) = rows("SELECT status, payload, retry_count, parked FROM agent_tasks")
    assert row == {"status": "pending", "payload": {"day": 31}, "retry_count": 0, "parked": False}
    assert rows.value("SELECT count(*) FROM agent_steps") == 1


def test_some_are_requeued_and_the_others_told_why_not(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent()
    first = failed(rows, agent, "x", unique_key="once")
    second = failed(rows, agent, "x", unique_key="twice")
    rows.task(agent, unique_key="once")
    waiting = rows.task(agent)
    ended = cli("dead-letters", "requeue", first, second, waiting, "beef")
    assert ended.code == 1
    assert f"Task {first} stays: another task with its unique key waits or runs." in ended.out
    assert f"Task {second} was put in line again." in ended.out
    assert f"Task {waiting} is pending, not failed: nothing to do." in ended.out
    assert ended.err.startswith("error: there is no task 'beef'")


def test_of_several_with_one_key_the_newest_is_requeued(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent()
    old, new = (failed(rows, agent, "x", unique_key="once") for _ in range(2))
    ended = cli("dead-letters", "requeue", "--all")
    assert (ended.code, ended.out) == (
        1,
        "1 task(s) were put in line again. 1 stay: they were changed meanwhile, or their unique"
        " key is taken.\n",
    )
    assert statuses(rows) == {old: "failed", new: "pending"}


def test_a_dry_run_changes_nothing(
    cli: CommandLine, rows: Rows, three: dict[str, list[str]]
) -> None:
    before = statuses(rows)
    ended = cli("dead-letters", "discard", "--all", "--error", "date", "--dry-run")
    assert ended.code == 0
    assert ended.out.endswith("2 would be discarded.\n")
    plan = cli.json("dead-letters", "requeue", "--all", "--dry-run")
    assert (plan["matched"], plan["changed"], len(plan["groups"])) == (3, 0, 2)
    one = cli("dead-letters", "requeue", three["key"][0], "--dry-run")
    assert one.out == f"Task {three['key'][0]} would be put in line again.\n"
    assert statuses(rows) == before


def test_discarded_tasks_leave_after_the_retention_and_can_be_taken_back(
    cli: CommandLine, rows: Rows, three: dict[str, list[str]]
) -> None:
    rows("UPDATE agent_tasks SET finished_at = oppspot_now() - interval '1 year'")
    reason = ["--reason", "old source"]
    assert cli.json("dead-letters", "discard", "--all", *reason) == {"matched": 3, "changed": 3}
    found = rows("SELECT status, cancel_reason, error_message, finished_at FROM agent_tasks")
    assert {row["status"] for row in found} == {"cancelled"}
    assert {row["cancel_reason"] for row in found} == {"old source"}
    assert "no key" in {row["error_message"] for row in found}
    assert rows.value("SELECT min(finished_at) > oppspot_now() - interval '1 h' FROM agent_tasks")
    text = cli("tasks", "show", three["key"][0]).out
    assert "old source" in text
    assert "no key" in text
    assert cli("tasks", "retry", three["key"][0]).code == 0
    assert cli("dead-letters", "discard", three["key"][0]).code == 1


def test_a_run_of_a_stream_goes_on_with_what_is_requeued(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent()
    stream = rows.value("INSERT INTO streams (name) VALUES ('Leads') RETURNING id")
    rows(
        "INSERT INTO stream_agent_assignments (stream_id, agent_id) VALUES (%s, %s)", stream, agent
    )
    rows("SELECT run_stream(%s)", stream)
    rows("UPDATE agent_tasks SET status = 'failed'")
    assert rows.value("SELECT status FROM stream_runs") == "failed"
    assert cli("dead-letters", "requeue", "--all").code == 0
    assert rows.value("SELECT status FROM stream_runs") == "running"
    rows("UPDATE agent_tasks SET status = 'failed'")
    assert cli("dead-letters", "discard", "--all").code == 0
    assert rows("SELECT r.status, n.status AS node FROM stream_runs r, stream_run_nodes n") == [
        {"status": "failed", "node": "failed"}
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["requeue"],
        ["discard"],
        ["requeue", "--error", "x"],
        ["requeue", "--all", "0199"],
        ["discard", "0199", "--agent", "Digest"],
        ["requeue", "--all", "--payload", "{}"],
    ],
)
def test_what_is_meant_must_be_said(cli: CommandLine, words: list[str]) -> None:
    assert cli("dead-letters", *words).code == 2


def test_many_go_in_chunks_and_each_once(
    cli: CommandLine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "CHUNK", 100)
    agent = rows.agent()
    rows(
        "INSERT INTO agent_tasks (agent_id, status, error_message)"
        " SELECT %s, 'failed', 'line ' || n FROM generate_series(1, 250) n",
        agent,
    )
    (group,) = cli.json("dead-letters", "list")
    assert group["tasks"] == 250
    result = cli.json("dead-letters", "requeue", "--all")
    assert result == {"matched": 250, "changed": 250}
    assert set(statuses(rows).values()) == {"pending"}


@pytest.fixture
def other(dsn: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """Somebody else's transaction."""
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        yield connection


def test_a_key_that_is_taken_at_the_same_moment_does_not_stop_the_others(
    cli: CommandLine, rows: Rows, other: psycopg.Connection[dict[str, Any]]
) -> None:
    agent = rows.agent()
    taken = failed(rows, agent, "x", unique_key="once")
    free = failed(rows, agent, "x")
    other.execute("INSERT INTO agent_tasks (agent_id, unique_key) VALUES (%s, 'once')", (agent,))
    result: dict[str, Any] = {}

    def requeue() -> None:
        result.update(code=cli("dead-letters", "requeue", "--all").code)

    thread = threading.Thread(target=requeue)
    thread.start()
    blocked = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event = 'transactionid'"
    )
    while rows.value(blocked) == 0:
        assert thread.is_alive()
    other.commit()
    thread.join(20)
    assert result == {"code": 1}
    assert (statuses(rows)[taken], statuses(rows)[free]) == ("failed", "pending")


class Terminal:
    """A stdin with somebody behind it."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self, _size: int = -1) -> str:
        return f"{self.answer}\n"


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_on_a_terminal_somebody_is_asked_first(
    cli: CommandLine,
    rows: Rows,
    three: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    ended = cli("dead-letters", "requeue", "--all")
    assert ended.code == code
    assert "3 task(s) will be put in line again. Go on?" in ended.err
    assert ("pending" in statuses(rows).values()) is (answer == "y")
    monkeypatch.setattr("sys.stdin", Terminal("n"))
    assert cli("dead-letters", "discard", "--all", "--yes").code == 0
