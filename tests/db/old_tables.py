"""A database as people had it before the runner: the six tables as they were printed, and rows.

The printed tables have no defaults but one, `priority INTEGER (1-10)` is read as INTEGER, and the
three tables that are only referred to may be anything from a bare key upwards.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb
from psycopg.types.string import TextLoader

OLD_COLUMNS = (
    "id, agent_id, org_id, task_type, priority, payload, status, retry_count, max_retries,"
    " scheduled_for, error_message, created_at"
)
TABLES = """
    CREATE TABLE organizations (id uuid PRIMARY KEY {name});
    CREATE TABLE ai_agents (id uuid PRIMARY KEY {name});
    CREATE TABLE streams (id uuid PRIMARY KEY {name});
    CREATE TABLE agent_tasks (
      id UUID PRIMARY KEY,
      agent_id UUID {agents},
      org_id UUID {organizations},
      task_type TEXT NOT NULL,
      priority INTEGER,
      payload JSONB,
      status TEXT, -- 'pending', 'processing', 'completed', 'failed'
      retry_count INTEGER,
      max_retries INTEGER DEFAULT 3,
      scheduled_for TIMESTAMPTZ,
      error_message TEXT,
      created_at TIMESTAMPTZ
    );
    CREATE TABLE agent_executions (
      id UUID PRIMARY KEY,
      agent_id UUID {agents},
      org_id UUID {organizations},
      stream_id UUID {streams},
      status TEXT, -- 'queued', 'running', 'completed', 'failed'
      started_at TIMESTAMPTZ,
      completed_at TIMESTAMPTZ,
      duration_ms INTEGER,
      input_data JSONB,
      output_data JSONB,
      goal_context JSONB,
      results_summary JSONB,
      error_message TEXT,
      metrics JSONB
    );
    CREATE TABLE stream_agent_assignments (
      id UUID PRIMARY KEY,
      stream_id UUID {streams},
      agent_id UUID {agents},
      assignment_role TEXT, -- 'primary', 'enrichment', 'scoring', etc.
      execution_order INTEGER,
      is_active BOOLEAN,
      auto_execute BOOLEAN,
      execution_frequency TEXT,
      depends_on_agent_ids UUID[],
      total_executions INTEGER,
      last_executed_at TIMESTAMPTZ
    );
"""
LATEST_ATTEMPTS = """
    SELECT
      ae.id,
      aa.name as agent_name,
      ae.status,
      ae.duration_ms,
      ae.metrics,
      ae.created_at
    FROM agent_executions ae
    JOIN ai_agents aa ON ae.agent_id = aa.id
    WHERE ae.org_id = '{org}'
    ORDER BY ae.created_at DESC
    LIMIT 50;
"""
PENDING_TASKS = """
    SELECT
      at.id,
      aa.name as agent_name,
      at.task_type,
      at.priority,
      at.status,
      at.retry_count,
      at.created_at
    FROM agent_tasks at
    JOIN ai_agents aa ON at.agent_id = aa.id
    WHERE at.status = 'pending'
    ORDER BY at.priority DESC, at.created_at ASC;
"""
FAILED_TASKS = """
    SELECT
      at.*,
      aa.name as agent_name
    FROM agent_tasks at
    JOIN ai_agents aa ON at.agent_id = aa.id
    WHERE at.status = 'failed'
    ORDER BY at.created_at DESC;
"""

Session = psycopg.Connection[Any]


def create_old_tables(
    session: Session, *, foreign_keys: bool = True, names: bool = False, tables: str = TABLES
) -> None:
    """Makes the printed tables; `names`: the three stubs have a name besides the key."""
    session.execute(
        sql.SQL(tables).format(  # type: ignore[arg-type]
            name=sql.SQL(", name text" if names else ""),
            agents=sql.SQL("REFERENCES ai_agents(id)" if foreign_keys else ""),
            organizations=sql.SQL("REFERENCES organizations(id)" if foreign_keys else ""),
            streams=sql.SQL("REFERENCES streams(id)" if foreign_keys else ""),
        )
    )


def insert(session: Session, table: str, **columns: Any) -> UUID:
    """One row with an id of its own; dictionaries and lists in `payload` become JSON."""
    row = {"id": uuid4(), **columns}
    if row.get("payload") is not None:
        row["payload"] = Jsonb(row["payload"])
    session.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        ),
        list(row.values()),
    )
    return row["id"]


def old_task(session: Session, agent: UUID | None, **columns: Any) -> UUID:
    """A task as an old application wrote it: what is not given is NULL, not left out."""
    nothing = dict.fromkeys(OLD_COLUMNS.split(", ")[2:])
    given = {**nothing, "task_type": "agent_execution", "agent_id": agent, **columns}
    return insert(session, "agent_tasks", **given)


def prints(session: Session, table: str = "agent_tasks", columns: str = OLD_COLUMNS) -> Any:
    """What a row was, and whether it is still the same row version: by id."""
    query = f"SELECT id, md5(ROW({columns})::text), xmin::text, ctid::text FROM {table}"
    return {row[0]: row[1:] for row in session.execute(query)}  # type: ignore[arg-type]


def tasks(session: Session) -> dict[UUID, Any]:
    """All tasks by id; times as text, because they may be infinite."""
    session.execute("SET timezone = 'UTC'")
    cursor = session.cursor(row_factory=namedtuple_row)
    cursor.adapters.register_loader("timestamptz", TextLoader)
    return {row.id: row for row in cursor.execute("SELECT * FROM agent_tasks")}
