"""What pages say of agents, schedules and changes comes from few rows, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest

from tests.conftest import create_database, drop_database
from tests.plans.conftest import Plan, connected, explain

pytestmark = pytest.mark.slow

TASKS = 20_000
LOOK = 500
CROWD = f"""
    SET session_replication_role = replica; -- no trigger: much faster
    INSERT INTO ai_agents (name, agent_type) SELECT 'agent ' || n, 'x' FROM generate_series(1, 5) n;
    INSERT INTO agent_tasks (agent_id, status, attempt, finished_at)
    SELECT a.ids[1 + n % 5], 'completed', 1, oppspot_now()
    FROM generate_series(1, {TASKS}) n, (SELECT array_agg(id) AS ids FROM ai_agents) a;
    INSERT INTO agent_executions (task_id, agent_id, attempt, status, duration_ms, metrics)
    SELECT id, agent_id, 1, 'completed', 100, '{{"cost_usd": 0.01}}' FROM agent_tasks;
    INSERT INTO schedules (agent_id, expression, timezone, options, is_active)
    SELECT id, 'daily', 'UTC', '{{}}', true FROM ai_agents;
    INSERT INTO schedule_ticks (schedule_id, due_at)
    SELECT s.id, oppspot_now() - n * interval '1 minute'
    FROM schedules s, generate_series(1, 4000) n;
    INSERT INTO audit_log (actor, action, kind, target)
    SELECT 'a', 'task.retry', 'task', n::text FROM generate_series(1, {TASKS}) n
"""


@pytest.fixture(scope="module")
def session(server: str, template: str) -> Iterator[psycopg.Connection[Any]]:
    name = f"oppspot_looks_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    with connected(dsn, autocommit=True) as opened:
        opened.execute(CROWD)  # type: ignore[arg-type]
        opened.execute("VACUUM ANALYZE")
        yield opened
    drop_database(name)


def looked(session: psycopg.Connection[Any], name: LiteralString, **params: Any) -> Plan:
    """How a statement finds its rows, once it has run."""
    return explain(session, name, params, warm=True)


def test_how_agents_fare_comes_from_the_newest_tasks(session: psycopg.Connection[Any]) -> None:
    plan = looked(session, "agents/performance", look=LOOK)
    assert plan.buffers < 6 * LOOK, plan  # for each task a few pages of its attempt


def test_what_became_of_schedules_comes_from_their_last_due_times(
    session: psycopg.Connection[Any],
) -> None:
    ids = [row[0] for row in session.execute("SELECT id FROM schedules")]
    plan = looked(session, "schedules/history", ids=ids, most=24)
    assert plan.ways_into("schedule_ticks") == {"schedule_ticks_pkey"}, plan
    assert plan.buffers < 400, plan


@pytest.mark.parametrize("target", [None, "17"])
def test_a_page_of_changes_reads_few(session: psycopg.Connection[Any], target: str | None) -> None:
    wanted = {"before": None, "actor": None, "kind": None, "action": None, "limit": 101}
    plan = looked(session, "access/browse_audit", **wanted, target=target)
    assert plan.buffers < 60, plan
