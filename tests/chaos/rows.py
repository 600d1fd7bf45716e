"""What the database holds when a trial is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]

TASKS = """
    SELECT t.id::text, t.unique_key, t.status, t.attempt, t.retry_count, t.crash_count,
           t.run_id::text, t.stream_id::text, t.error_message, a.name AS agent
    FROM agent_tasks t JOIN ai_agents a ON a.id = t.agent_id
"""
ATTEMPTS = """
    SELECT e.task_id::text AS task, e.attempt, e.status, e.error_message, e.stream_id::text,
           (e.output_data ->> 'token')::bigint AS token, a.name AS agent
    FROM agent_executions e JOIN ai_agents a ON a.id = e.agent_id
"""
NODES = """
    SELECT n.run_id::text, r.status AS run_status, n.status, n.task_id::text AS task,
           a.name AS agent
    FROM stream_run_nodes n
    JOIN stream_runs r ON r.id = n.run_id JOIN ai_agents a ON a.id = n.agent_id
"""
ASSIGNMENTS = """
    SELECT s.stream_id::text, a.name AS agent, s.total_executions
    FROM stream_agent_assignments s JOIN ai_agents a ON a.id = s.agent_id
"""
LEASES = "SELECT id, pid FROM task_runners WHERE lease_until > oppspot_now()"
EFFECTS = "SELECT task_id::text AS task, token FROM effects"
STATS = "SELECT * FROM task_runner_stats"


@dataclass(frozen=True)
class Rows:
    """The tables that the checker reads; ids are text. `task` in a row is the id of its task."""

    tasks: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    effects: list[Row] = field(default_factory=list)
    nodes: list[Row] = field(default_factory=list)
    assignments: list[Row] = field(default_factory=list)
    leases: list[Row] = field(default_factory=list)
    stats: Row = field(default_factory=dict)

    @classmethod
    def read(cls, dsn: str) -> Rows:
        with psycopg.connect(dsn, row_factory=dict_row) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            tables = (TASKS, ATTEMPTS, EFFECTS, NODES, ASSIGNMENTS, LEASES)
            lists = [connection.execute(query).fetchall() for query in tables]
            (stats,) = connection.execute(STATS).fetchall()
        tasks, attempts, effects, nodes, assignments, leases = lists
        return cls(tasks, attempts, effects, nodes, assignments, leases, stats)
