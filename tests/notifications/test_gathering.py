"""What happened is counted once, whoever gathers, whenever it is committed, whatever breaks off."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from oppspot_runner.db.pool import Database
from oppspot_runner.notifications import gathering
from oppspot_runner.notifications.directory import messages, remove_rule, set_active
from oppspot_runner.notifications.gathering import Look, gather, prune
from tests.notifications.conftest import dead, rule

WAITING = {"wait_s": 3600, "repeat_s": 3600}


async def counts(db: Database) -> list[int]:
    return [one["count"] for one in await messages(db)]


async def seen(db: Database) -> Look:
    async with db.connection() as connection:
        return await gathering.look(connection)


async def test_without_a_rule_nothing_is_written(db: Database) -> None:
    await dead(db, 3)
    await rule(db, "schedule_stopped")
    await rule(db, name="paused")
    await set_active(db, "paused", False)
    await dead(db, 3)
    assert await db.fetch_all("SELECT FROM notification_events") == []
    assert await seen(db) == Look(happened=False, due_s=None, ready=False)


async def test_many_who_gather_at_once_count_each_event_once(db: Database) -> None:
    await rule(db, **WAITING)
    await dead(db, 2_500)
    async with Database(db.dsn, schema=db.schema) as other:
        await asyncio.gather(*(gather(one) for one in (db, other, db, other)))
    assert await counts(db) == [2_500]
    assert not (await seen(db)).happened


async def test_what_is_committed_late_is_gathered_late(db: Database) -> None:
    await rule(db, **WAITING)
    async with await psycopg.AsyncConnection.connect(db.dsn) as slow:
        await slow.execute(
            "INSERT INTO notification_events (event, facts) VALUES ('task_dead', '{\"task\": 1}')"
        )
        await dead(db)
        await gather(db)
        assert await counts(db) == [1]
        await slow.commit()
    await gather(db)
    await gather(db)
    assert await counts(db) == [2]


async def test_what_breaks_off_loses_nothing_and_sends_nothing_twice(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rule(db)
    await dead(db, 7)
    with monkeypatch.context() as broken:
        broken.setattr(gathering, "message", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await gather(db)
    assert await messages(db) == []
    await gather(db)
    await gather(db)
    (told,) = await messages(db)
    assert (told["count"], told["state"]) == (7, "sending")
    tasks = await db.fetch_all("SELECT id FROM agent_tasks WHERE task_type = 'notification'")
    assert [one["id"] for one in tasks] == [told["task_id"]]


async def test_a_rule_that_is_changed_while_it_gathers_tells_what_it_has(db: Database) -> None:
    await rule(db, **WAITING)
    await dead(db)
    await gather(db)
    await db.execute("UPDATE notification_rules SET event = 'approval_waiting'")
    await db.execute("UPDATE notifications SET due_at = oppspot_now()")
    await gather(db)
    (sent,) = await db.fetch_all("SELECT payload FROM agent_tasks WHERE task_type = 'notification'")
    assert sent["payload"]["subject"] == "a task of doomed failed for good"


async def test_what_comes_after_a_message_waits_for_its_time(db: Database) -> None:
    await rule(db, wait_s=0, repeat_s=3600)
    await dead(db)
    await gather(db)
    await dead(db, 4)
    await gather(db)
    (second, first) = await messages(db)
    assert (first["state"], second["state"], second["count"]) == ("sending", "gathering", 4)
    wait_s = (second["due_at"] - first["due_at"]).total_seconds()
    assert 3600 <= wait_s < 3700
    due_s = (await seen(db)).due_s
    assert due_s is not None
    assert 3500 < due_s <= 3600
    await set_active(db, "task_dead", False)
    await db.execute("UPDATE notifications SET due_at = now() - interval '1 s'")
    assert (await seen(db)).due_s is None
    await gather(db)
    assert [one["state"] for one in await messages(db)] == ["paused", "sending"]


async def test_rules_see_their_own_organisation_and_what_they_ask_for(db: Database) -> None:
    row = await db.fetch_one("INSERT INTO organizations DEFAULT VALUES RETURNING id")
    assert row is not None
    org = row["id"]
    await rule(db, name="all", **WAITING)
    await rule(db, name="own", org_id=org, **WAITING)
    await rule(db, name="filtered", filter={"task_type": "doomed"}, **WAITING)
    await rule(db, name="other", filter={"agent": "Digest"}, **WAITING)
    await dead(db, 2)
    await db.execute("UPDATE agent_tasks SET org_id = %s, status = 'pending'", (org,))
    await db.execute("UPDATE agent_tasks SET status = 'failed', task_type = 'x'")
    await gather(db)
    got = {one["rule"]: one["count"] for one in await messages(db)}
    assert got == {"all": 4, "own": 2, "filtered": 2}


async def test_a_delivery_that_dies_is_no_event(db: Database) -> None:
    await rule(db)
    await dead(db)
    await gather(db)
    await db.execute("UPDATE agent_tasks SET status = 'failed' WHERE task_type = 'notification'")
    assert not (await seen(db)).happened
    (told,) = await messages(db)
    assert told["state"] == "failed"


async def test_messages_go_with_their_tasks_and_rules_with_their_messages(db: Database) -> None:
    await rule(db)
    await dead(db)
    await gather(db)
    await dead(db)
    await rule(db, name="later", **WAITING)
    await dead(db)
    await gather(db)
    async with db.connection() as connection:
        assert await prune(connection) == 0
        await connection.execute("DELETE FROM agent_tasks WHERE task_type = 'notification'")
        assert await prune(connection) == 2
    await remove_rule(db, "later")
    assert await messages(db) == []


AGENT = "INSERT INTO ai_agents (name) VALUES ('Digest') RETURNING id"
STREAM = "INSERT INTO streams (name) VALUES ('Fintech') RETURNING id"
COMPANY = "INSERT INTO companies (name) VALUES ('Alpha Ltd') RETURNING id"
# Each line is a statement; what `:agent` and so on stand for was made before.
TRANSITIONS: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "agent breaker": (
        "breaker_open",
        [
            "INSERT INTO agent_breakers (agent_id, failures, open_s) VALUES (:agent, 1, 60)",
            "UPDATE agent_breakers SET opened_at = now(), last_error = 'no'",
            "UPDATE agent_breakers SET opened_at = now() + interval '1 s'",
        ],
        {"agent": "Digest", "error": "no"},
    ),
    "host breaker": (
        "breaker_open",
        ["SELECT count_host_failure('web', 'a.example', 2, 60, 'no') FROM generate_series(1, 5)"],
        {"host": "a.example", "source": "web"},
    ),
    "budget spent": (
        "budget_reached",
        [
            "INSERT INTO budgets (scope, scope_id, limit_usd) VALUES ('agent', :agent, 2)",
            "INSERT INTO budget_periods SELECT id, 'epoch', 1 FROM budgets",
            "UPDATE budget_periods SET spent_usd = 2",
            "UPDATE budget_periods SET spent_usd = 3",
        ],
        {"agent": "Digest", "budget": "agent", "limit_usd": 2, "spent_usd": 2},
    ),
    "budget in the way": (
        "budget_reached",
        [
            "INSERT INTO agent_tasks (agent_id) VALUES (:agent)",
            "UPDATE agent_tasks SET status = 'failed', error_message = 'BUDGET_EXCEEDED: no'",
        ],
        {"agent": "Digest", "error": "BUDGET_EXCEEDED: no"},
    ),
    "runner": (
        "runner_lost",
        [
            "INSERT INTO task_runners (host, pid, version, slots, poll_s, lease_s, beat_s,"
            " lease_until) VALUES ('h', 7, '0', 3, 5, 30, 5, now())",
        ],
        {"host": "h", "pid": 7},
    ),
    "company": (
        "critical_company",
        [
            "INSERT INTO stream_items (stream_id, company_id) VALUES (:stream, :company)",
            "UPDATE stream_items SET quality_score = 4.6, priority = 'critical',"
            " score_confidence = 1, scored_at = now(), score_stage = 'full', model_version = '1',"
            " score_parts = '{}'",
            "UPDATE stream_items SET priority = 'critical'",
        ],
        {"company": "Alpha Ltd", "stream": "Fintech", "score": 4.6},
    ),
    "schedule": (
        "schedule_stopped",
        [
            "UPDATE ai_agents SET schedule_cron = '0 9 * * *'",
            "UPDATE schedules SET error = 'no such day'",
        ],
        {"agent": "Digest", "error": "no such day"},
    ),
    "approval": (
        "approval_waiting",
        [
            "INSERT INTO stream_agent_assignments (stream_id, agent_id, requires_approval)"
            " VALUES (:stream, :agent, true)",
            "SELECT run_stream(:stream)",
        ],
        {"agent": "Digest", "stream": "Fintech"},
    ),
}


@pytest.mark.parametrize("kind", TRANSITIONS)
async def test_each_kind_of_event_is_told_once(kind: str, db: Database) -> None:
    event, statements, facts = TRANSITIONS[kind]
    await rule(db, event, **WAITING)
    ids = {}
    for name, query in (("agent", AGENT), ("stream", STREAM), ("company", COMPANY)):
        row = await db.fetch_one(query)
        assert row is not None
        ids[name] = str(row["id"])
    for text in statements:
        for name, value in ids.items():
            text = text.replace(f":{name}", f"'{value}'")
        await db.execute(text)
    assert (await seen(db)).happened
    await gather(db)
    assert not (await seen(db)).happened
    (told,) = await messages(db)
    assert told["count"] == 1
    (example,) = told["examples"]
    assert example.items() >= facts.items()
