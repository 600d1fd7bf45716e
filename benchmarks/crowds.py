"""Rows in the way: tasks that are ready, due later, or long finished, by the million.

Put in with triggers and foreign keys off, as a restored dump would be; ids follow time.
"""

from __future__ import annotations

from uuid import UUID

import psycopg

READY = """
    INSERT INTO agent_tasks (agent_id, task_type, created_at, scheduled_for)
    SELECT %(agent)s, 'agent_execution', now() - interval '1 hour', now() - interval '1 hour'
    FROM generate_series(1, %(count)s)
"""
FUTURE = """
    INSERT INTO agent_tasks (agent_id, task_type, priority, parked, scheduled_for)
    SELECT %(agent)s, 'agent_execution', 10, true, now() + interval '1 day' + n * interval '1 ms'
    FROM generate_series(1, %(count)s) n
"""
FINISHED = """
    INSERT INTO agent_tasks (id, agent_id, task_type, status, attempt, created_at, scheduled_for,
                             started_at, finished_at)
    SELECT (lpad(to_hex((extract(epoch FROM t.at) * 1000)::bigint), 12, '0') || '7'
            || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid,
           %(agent)s, 'agent_execution', 'completed', 1, t.at, t.at, t.at, t.at
    FROM generate_series(1, %(count)s) n,
         LATERAL (SELECT now() - interval '1 day' + n * interval '1 ms' AS at) t
"""


def add(dsn: str, query: str, agent: UUID, count: int) -> None:
    """Puts in `count` rows of one kind; nobody is woken."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(query.encode(), {"agent": agent, "count": count})
