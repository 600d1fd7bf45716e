"""A session that met the tables while they were small goes on by keys when they have grown."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.plans.conftest import connected

pytestmark = pytest.mark.slow

OFF = "ALTER TABLE {} SET (autovacuum_enabled = false)"
GROWING = ("stream_runs", "stream_run_nodes", "agent_tasks", "run_events")
# The second agent waits for the first one.
STREAM = """
    WITH s AS (INSERT INTO streams (name) VALUES ('s') RETURNING id),
    a AS (INSERT INTO ai_agents (name, agent_type)
          SELECT n, 'member' FROM generate_series(1, 2) n RETURNING id, name),
    x AS (INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)
          SELECT s.id, a.id, ARRAY(SELECT b.id FROM a b WHERE a.name = '2' AND b.name = '1')
          FROM s, a)
    SELECT id FROM s
"""
FIRST = "SELECT agent_id FROM stream_run_nodes WHERE run_id = %s AND status = 'queued'"
# Runs like the last one, as many as make whole tables dear.
GROW = """
    SET session_replication_role = replica; -- no trigger: much faster
    WITH r AS (
        INSERT INTO stream_runs (stream_id, status, open_nodes)
        SELECT stream_id, status, open_nodes FROM stream_runs, generate_series(1, 3000)
        WHERE id = '{run}' RETURNING id),
    n AS (
        INSERT INTO stream_run_nodes
            (run_id, agent_id, level, dependents, open_dependencies, status, task_id)
        SELECT r.id, agent_id, level, dependents, open_dependencies, status,
               CASE status WHEN 'queued' THEN oppspot_uuid() END
        FROM r, stream_run_nodes WHERE run_id = '{run}' RETURNING run_id, agent_id, task_id),
    e AS (
        INSERT INTO run_events (run_id, seq, type, data)
        SELECT r.id, seq, type, data FROM r, run_events WHERE run_id = '{run}')
    INSERT INTO agent_tasks (id, agent_id, run_id)
    SELECT task_id, agent_id, run_id FROM n WHERE task_id IS NOT NULL
"""
SETTLE = "SELECT settle_run_nodes(ARRAY[%s::uuid], ARRAY[%s::uuid], '{completed}', '{NULL}')"


def opened(session: psycopg.Connection[Any], stream: object) -> Any:
    ((run,),) = session.execute("SELECT run_stream(%s)", (stream,)).fetchall()
    return run


def pages(session: psycopg.Connection[Any], stream: object) -> int:
    """How many pages the end of the first agent of a new run touches."""
    run = opened(session, stream)
    ((agent,),) = session.execute(FIRST, (run,)).fetchall()
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {SETTLE}"
    (row,) = session.execute(explain, (run, agent)).fetchall()  # type: ignore[arg-type]
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def test_the_end_of_an_agent_costs_the_same_when_the_tables_have_grown(dsn: str) -> None:
    with connected(dsn, autocommit=True) as session:
        for table in GROWING:
            session.execute(OFF.format(table))  # type: ignore[arg-type]
        ((stream,),) = session.execute(STREAM).fetchall()
        for _ in range(10):  # from the sixth time on a plan may be kept
            small = pages(session, stream)
        with connected(dsn, autocommit=True) as other:
            other.execute(GROW.format(run=opened(other, stream)))
        assert pages(session, stream) < small * 2
