"""`tasks list|show|retry|cancel`."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from oppspot_runner.agents.registry import Registry
from tests.cli.conftest import CommandLine, Rows


def test_tasks_are_listed_newest_first_and_filtered(cli: CommandLine, rows: Rows) -> None:
    digest, scout = rows.agent("Digest"), rows.agent("Scout", "scout")
    stream = rows.value("INSERT INTO streams (name) VALUES ('Leads') RETURNING id")
    failed = rows.task(digest, status="failed", error_message="no key")
    waiting = rows.task(scout, stream_id=stream, limit_key="a.example")
    later = rows.task(digest, scheduled_for="2099-01-01Z")
    assert {task["id"] for task in cli.json("tasks", "list")} == {failed, waiting, later}
    assert [task["id"] for task in cli.json("tasks", "list", "--status", "failed")] == [failed]
    assert [task["id"] for task in cli.json("tasks", "list", "--agent", "Scout")] == [waiting]
    assert [task["id"] for task in cli.json("tasks", "list", "--stream", "Leads")] == [waiting]
    assert [task["id"] for task in cli.json("tasks", "list", "--limit-key", "a.example")] == [
        waiting
    ]
    assert len(cli.json("tasks", "list", "--limit", "2")) == 2
    both = ["--status", "failed", "--status", "pending", "--agent", "Digest"]
    assert {task["id"] for task in cli.json("tasks", "list", *both)} == {failed, later}
    text = cli("tasks", "list").out
    assert "no key" in text
    assert "due in" in text
    assert len(text.splitlines()) == 4


def test_no_task_is_said_so(cli: CommandLine) -> None:
    assert cli("tasks", "list").out == "No task.\n"
    assert cli("tasks", "list", "--agent", "nobody").code == 1


def test_a_task_is_shown_with_attempts_steps_and_progress(cli: CommandLine, rows: Rows) -> None:
    task = rows.task(
        rows.agent(),
        payload='{"days": 7}',
        limit_key="a.example",
        progress='{"done": 1, "total": 4}',
    )
    rows.begin(task, rows.runner())
    rows('UPDATE agent_tasks SET progress = \'{"done": 1, "total": 4}\'')
    rows(
        "INSERT INTO agent_executions"
        " (task_id, attempt, status, duration_ms, error_message, metrics)"
        " VALUES (%s, 1, 'failed', 1500, 'timed out', '{\"tokens\": 12, \"steps\": 0}')",
        task,
    )
    rows(
        "INSERT INTO agent_steps (task_id, name, seq, result, attempt)"
        " VALUES (%s, 'load', 0, '[1]', 1)",
        task,
    )
    text = cli("tasks", "show", task[:18]).out
    for shown in (
        task,
        "Digest (digest)",
        '{"days": 7}',
        "1/4",
        "timed out",
        "tokens=12",
        "load",
        "a.example",
    ):
        assert shown in text
    found = cli.json("tasks", "show", task)
    assert found["task"]["payload"] == {"days": 7}
    assert found["attempts"][0]["metrics"] == {"tokens": 12, "steps": 0}
    assert found["steps"][0]["name"] == "load"


def test_a_prefix_of_two_tasks_is_refused_with_both(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent()
    first, second = sorted((rows.task(agent), rows.task(agent)))
    ended = cli("tasks", "show", first[:4])
    assert ended.code == 1
    assert f"task {first[:4]} may be any of {first}, {second}. Give one of these." in ended.err
    for name in (first[:3], "xyzw", str(uuid4())):
        assert f"there is no task '{name}'" in cli("tasks", "show", name).err


def test_ended_tasks_are_retried_and_others_are_not(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent()
    failed, waiting = rows.task(agent, status="failed", retry_count=3), rows.task(agent)
    backs_off = rows.task(agent, attempt=1, retry_count=1, scheduled_for="2099-01-01Z")
    rows(
        "INSERT INTO agent_executions (task_id, attempt, status) VALUES (%s, 1, 'failed')",
        backs_off,
    )
    ended = cli("tasks", "retry", failed, waiting, backs_off, "beef")
    assert ended.code == 1
    assert f"Task {backs_off} was put in line, to be tried again at once." in ended.out
    assert f"Why it waits: oppspot-runner tasks explain {waiting}\n" in ended.out
    assert f"Task {failed} was put in line again." in ended.out
    assert f"Task {waiting} is pending: nothing to do." in ended.out
    assert ended.err.startswith("error: there is no task 'beef'")
    (row,) = rows("SELECT status, retry_count FROM agent_tasks WHERE id = %s", failed)
    assert tuple(row.values()) == ("pending", 0)


def test_a_retried_task_that_runs_already_is_not_said_to_be_cancelled(
    cli: CommandLine, rows: Rows
) -> None:
    task = rows.task(rows.agent(), status="failed")
    # A runner may be quicker than the look that follows the request: here by a trigger.
    rows(
        "CREATE FUNCTION claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " new.status = 'processing'; new.run_token = 1; new.runner_id = 1;"
        " new.started_at = oppspot_now(); RETURN new; END $$"
    )
    rows(
        "CREATE TRIGGER zz_claim BEFORE UPDATE ON agent_tasks FOR EACH ROW"
        " WHEN (old.status = 'failed') EXECUTE FUNCTION claim()"
    )
    ended = cli("tasks", "retry", task)
    assert (ended.err, ended.out) == ("", f"Task {task} was put in line again.\n")
    assert rows.value("SELECT status FROM agent_tasks") == "processing"


def test_a_waiting_task_is_cancelled(cli: CommandLine, rows: Rows) -> None:
    task = rows.task(rows.agent())
    (result,) = cli.json("tasks", "cancel", task, "--reason", "wrong list")
    assert result == {"id": task, "status": "cancelled", "changed": True}
    assert rows.value("SELECT error_message FROM agent_tasks") == "wrong list"
    assert cli("tasks", "cancel", task).code == 1


def test_a_running_task_is_ended_by_its_runner(
    cli: CommandLine, rows: Rows, registry: Registry, live_runner: int
) -> None:
    import asyncio
    import threading

    begun, ended = threading.Event(), threading.Event()

    async def digest(ctx: Any) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    registry.register(digest)
    task = rows.task(rows.agent())
    assert begun.wait(20)
    asked = cli("tasks", "cancel", task)
    # Its runner may be quicker than the look that follows the request.
    assert asked.out in (
        f"Task {task} is running; its runner was asked to end it.\n",
        f"Task {task} was cancelled.\n",
    )
    assert ended.wait(20)


def test_a_replay_is_a_new_task_and_both_say_so(cli: CommandLine, rows: Rows) -> None:
    old = rows.task(rows.agent(), payload='{"day": 32}', status="failed")
    rows(
        "INSERT INTO agent_steps (task_id, name, seq, result, attempt, created_at) VALUES"
        " (%s, 'load', 0, '[1]', 1, '2026-01-01Z'), (%s, 'write', 0, '2', 1, '2026-01-02Z')",
        old,
        old,
    )
    made = cli.json("tasks", "replay", old[:18], "--from", "write", "--payload", '{"day": 31}')
    new = made["id"]
    assert made == {"id": new, "replay_of": old, "steps_kept": 1}
    found = cli.json("tasks", "show", new)
    assert (found["task"]["replay_of"], found["task"]["payload"]) == (old, {"day": 31})
    assert [(step["name"], step["attempt"]) for step in found["steps"]] == [("load", 0)]
    assert cli.json("tasks", "show", old)["replays"][0]["id"] == new
    assert f"{new} (pending)" in cli("tasks", "show", old).out
    text = cli("tasks", "show", new).out
    assert old in text
    assert "replayed" in text
    assert cli("tasks", "replay", new).code == 1
    assert "Its finished steps: load, write." in cli("tasks", "replay", old, "--from", "x").err


def test_children_are_counted_with_their_parent_and_listed_by_it(
    cli: CommandLine, rows: Rows
) -> None:
    agent = rows.agent()
    parent = rows.task(agent)
    done = rows.task(agent, parent_task_id=parent, status="completed")
    waiting = rows.task(agent, parent_task_id=parent)
    shown = " ".join(cli("tasks", "show", parent).out.split())
    assert "children 1 completed, 1 pending" in shown
    assert f"child of {parent}" in " ".join(cli("tasks", "show", done).out.split())
    found = cli("tasks", "list", "--parent", parent, "--json").json
    assert {one["id"] for one in found} == {done, waiting}
    rows(
        "INSERT INTO task_waits (task_id, attempt, kind, name)"
        " VALUES (%s, 0, 'children', 'Digest')",
        parent,
    )
    rows("UPDATE agent_tasks SET scheduled_for = '9999-01-01Z' WHERE id = %s", parent)
    explained = cli("tasks", "explain", parent).out
    assert "waits for its children of Digest" in " ".join(explained.split())
    assert "1 of 2 have ended" in " ".join(explained.split())
    assert f"oppspot-runner tasks list --parent {parent}" in explained
    assert "1 for their children" in cli("status").out


def test_a_waiting_task_says_what_for_and_never_when_it_is_due(
    cli: CommandLine, rows: Rows
) -> None:
    stream = cli.json("streams", "create", "Leads")["id"]
    task = rows.task(rows.agent(), stream_id=stream)
    rows(
        "INSERT INTO task_waits (task_id, attempt, kind, name, since, due_at)"
        " VALUES (%s, 1, 'event', 'approval', '2026-01-31Z', '2099-01-31Z')",
        task,
    )
    rows(
        "INSERT INTO agent_executions (task_id, attempt, status, error_message)"
        " VALUES (%s, 1, 'cancelled', 'waited: for the event ''approval''')",
        task,
    )
    rows(
        "UPDATE agent_tasks SET attempt = 1, error_message = 'waited: for the event',"
        " scheduled_for = '9999-01-01Z' WHERE id = %s",
        task,
    )
    wait = "the event approval since 2026-01-31 00:00:00Z, until 2099-01-31 00:00:00Z at the latest"
    shown = cli("tasks", "show", task).out
    assert f"waits for {wait}" in " ".join(shown.split())
    assert [line.split()[:2] for line in shown.splitlines()][-1] == ["1", "waited"]
    assert not {"error", "due", "cancelled"} & {line.split(" ")[0] for line in shown.splitlines()}
    assert "waits for the event approval since 2026-01-31 00:00:00Z" in cli("tasks", "list").out
    assert cli.json("tasks", "show", task)["task"]["scheduled_for"] is None
    assert cli.json("tasks", "list")[0]["scheduled_for"] is None
    for words in (["tasks", "show", task], ["tasks", "list"], ["tasks", "explain", task]):
        for ended in (cli(*words), cli(*words, "--json")):
            assert "9999" not in ended.out
    assert "9999" not in cli("status", "--json").out
    rows("DELETE FROM task_waits")
    assert "it is due at no time" in cli("tasks", "explain", task).out
