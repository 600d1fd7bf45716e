"""A small world for tests that walk through all addresses: rows whose ids can be put into them."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from oppspot_runner.app.client import Client

# Which table the ids of a path parameter are of.
TABLES = {
    "task_id": "agent_tasks",
    "agent_id": "ai_agents",
    "agentId": "ai_agents",
    "stream_id": "streams",
    "id": "streams",
    "run_id": "stream_runs",
    "execution_id": "agent_executions",
    "schedule_id": "schedules",
    "signal_id": "buying_signals",
    "draft_id": "drafts",
    "company_id": "companies",
    "rule_id": "notification_rules",
    "token_id": "api_tokens",
    "person_id": "people",
}


def plant(dsn: str) -> None:
    """Adds agents, a stream with a chain, tasks in every status and a run that waits."""
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        client = Client(connection)
        first = client.create_agent(name="Finder", agent_type="opportunity_bot")
        second = client.create_agent(
            name="Scorer", agent_type="scoring_agent", schedule_cron="0 9 * * *"
        )
        stream = client.create_stream("Prospects")
        assignments: list[dict[str, Any]] = [
            {"agent_id": first},
            {"agent_id": second, "depends_on_agent_ids": [first]},
        ]
        client.assign_agents_to_stream(stream, assignments)
        client.trigger_agent(stream, first)
        for status in ("pending", "completed", "failed", "cancelled"):
            connection.execute(
                "INSERT INTO agent_tasks (agent_id, task_type, status, error_message, finished_at) "
                "VALUES (%s, 'agent_execution', %s, %s, CASE WHEN %s <> 'pending' THEN now() END)",
                (first, status, "it broke" if status == "failed" else None, status),
            )


def known_ids(dsn: str) -> dict[str, list[str]]:
    """Ids of rows that are there, by the name of the path parameter."""
    with psycopg.connect(dsn) as connection:
        return {
            name: [str(row[0]) for row in connection.execute(f"SELECT id FROM {table} LIMIT 5")]
            for name, table in TABLES.items()
        }
