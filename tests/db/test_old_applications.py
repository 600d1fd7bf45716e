"""Whoever worked with the tables before goes on: its queries, its INSERTs, its changes by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.db.conftest import LONG_AGO, ODD, Old
from tests.db.old_tables import FAILED_TASKS, LATEST_ATTEMPTS, PENDING_TASKS, insert, tasks


@pytest.mark.slow
def test_the_printed_queries_mean_what_they_say(plain: Old) -> None:
    query = LATEST_ATTEMPTS.format(org=plain.org)
    mine = {"agent_id": plain.agent, "org_id": plain.org}
    attempts = [insert(plain.session, "agent_executions", **mine) for _ in range(3)]
    old_low = plain.task(status="pending", priority=2, created_at=LONG_AGO)
    failed = plain.task(status="failed", created_at=LONG_AGO)
    plain.task(status="completed", priority=10)
    plain.adopt()
    plain.session.execute("UPDATE ai_agents SET name = 'digest'")
    newest = insert(plain.session, "agent_executions", status="queued", **mine)
    high = plain.task(priority=10)
    shown = plain.session.execute(query).fetchall()  # type: ignore[arg-type]
    assert shown[0][:2] == (newest, "digest")
    assert {row[0] for row in shown[1:]} == set(attempts)
    pending = plain.session.execute(PENDING_TASKS).fetchall()
    assert [(row[0], row[1], row[3], row[4]) for row in pending] == [
        (high, "digest", 10, "pending"),
        (old_low, "digest", 2, "pending"),
    ]
    (row,) = plain.session.execute(FAILED_TASKS).fetchall()
    assert (row[0], row[-1]) == (failed, "digest")


@pytest.mark.slow
def test_old_applications_go_on_inserting(plain: Old) -> None:
    plain.adopt()
    explicit = plain.task()
    plain.session.execute(
        "INSERT INTO agent_tasks (id, agent_id, task_type) VALUES (NULL, %s, 'x')", (plain.agent,)
    )
    later = plain.task(scheduled_for=datetime.now(UTC) + timedelta(hours=1), status="pending")
    after = tasks(plain.session)
    row = after[explicit]
    assert (row.status, row.priority, row.payload, row.parked) == ("pending", 5, {}, False)
    assert (row.retry_count, row.max_retries) == (0, 3)
    assert row.scheduled_for == row.created_at
    assert after[later].parked
    assert len(after) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"priority": 0}, "priority_is_1_to_10"),
        ({"priority": 11}, "priority_is_1_to_10"),
        ({"payload": []}, "payload_is_an_object"),
        ({"status": "queued"}, "status_is_known"),
        ({"status": "processing"}, "processing_has_a_token"),
        ({"scheduled_for": "infinity"}, "time_is_finite"),
        ({"created_at": "infinity"}, "time_is_finite"),
        ({"retry_count": -1}, "retries_are_counted"),
        ({"max_retries": 2**31 - 1}, "retries_are_counted"),
        ({"task_type": ""}, "task_type_is_given"),
    ],
)
def test_what_cannot_run_is_refused_by_the_name_of_the_rule(
    plain: Old, columns: dict[str, Any], rule: str
) -> None:
    plain.task(status="failed", **columns) if "status" not in columns else None
    plain.adopt()
    with pytest.raises(psycopg.errors.CheckViolation, match=rule):
        plain.task(**columns)


@pytest.mark.slow
def test_ended_rows_of_before_can_be_started_again_by_hand(plain: Old) -> None:
    kinds = [kind for kind in ODD if kind not in ("a list", "a text")]
    failed = {kind: plain.task(status="failed", **ODD[kind]) for kind in kinds}
    done = plain.task(status="completed")
    plain.adopt()
    plain.session.execute("UPDATE agent_tasks SET status = 'pending' WHERE status = 'failed'")
    after = tasks(plain.session)
    rows = {kind: after[one] for kind, one in failed.items()}
    assert {(row.status, row.finished_at, row.parked) for row in rows.values()} == {
        ("pending", None, False)
    }
    assert [rows[kind].priority for kind in ("nothing", "priority 0", "priority 11")] == [5, 1, 10]
    assert len({row.ready_seq for row in rows.values()}) == len(kinds)
    assert after[done].status == "completed"
