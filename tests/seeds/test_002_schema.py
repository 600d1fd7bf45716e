"""The three tables of 002: each column with its type, and what an INSERT without it gets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.conftest import create_database, drop_database

Found = dict[str, tuple[str, Any]]

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CASES: dict[str, tuple[str, Any]] = {
    "agent_tasks.id": ("uuid", UUID),
    "agent_tasks.agent_id": ("uuid", None),
    "agent_tasks.org_id": ("uuid", None),
    "agent_tasks.task_type": ("text", "agent_execution"),
    "agent_tasks.priority": ("integer", 5),
    "agent_tasks.payload": ("jsonb", {}),
    "agent_tasks.status": ("text", "pending"),
    "agent_tasks.retry_count": ("integer", 0),
    "agent_tasks.max_retries": ("integer", 3),
    "agent_tasks.scheduled_for": ("timestamp with time zone", NOW),
    "agent_tasks.error_message": ("text", None),
    "agent_tasks.created_at": ("timestamp with time zone", NOW),
    "agent_executions.id": ("uuid", UUID),
    "agent_executions.agent_id": ("uuid", None),
    "agent_executions.org_id": ("uuid", None),
    "agent_executions.stream_id": ("uuid", None),
    "agent_executions.status": ("text", "queued"),
    "agent_executions.started_at": ("timestamp with time zone", None),
    "agent_executions.completed_at": ("timestamp with time zone", None),
    "agent_executions.duration_ms": ("integer", None),
    "agent_executions.input_data": ("jsonb", None),
    "agent_executions.output_data": ("jsonb", None),
    "agent_executions.goal_context": ("jsonb", None),
    "agent_executions.results_summary": ("jsonb", None),
    "agent_executions.error_message": ("text", None),
    "agent_executions.metrics": ("jsonb", None),
    "agent_executions.created_at": ("timestamp with time zone", NOW),
    "stream_agent_assignments.id": ("uuid", UUID),
    "stream_agent_assignments.stream_id": ("uuid", None),
    "stream_agent_assignments.agent_id": ("uuid", None),
    "stream_agent_assignments.assignment_role": ("text", None),
    "stream_agent_assignments.execution_order": ("integer", None),
    "stream_agent_assignments.is_active": ("boolean", True),
    "stream_agent_assignments.auto_execute": ("boolean", True),
    "stream_agent_assignments.execution_frequency": ("text", None),
    "stream_agent_assignments.depends_on_agent_ids": ("uuid[]", []),
    "stream_agent_assignments.total_executions": ("integer", 0),
    "stream_agent_assignments.last_executed_at": ("timestamp with time zone", None),
    "ai_agents.parent_id": ("uuid", None),
    "ai_agents.configuration": ("jsonb", {}),
    "ai_agents.is_active": ("boolean", True),
    "ai_agents.schedule_cron": ("text", None),
    "streams.goal_criteria": ("jsonb", {}),
    "streams.target_metrics": ("jsonb", {}),
}
LEAST = {
    "agent_tasks": "DEFAULT VALUES",
    "agent_executions": "(status) VALUES ('queued')",
    "stream_agent_assignments": "DEFAULT VALUES",
    "ai_agents": "DEFAULT VALUES",
    "streams": "DEFAULT VALUES",
}
LINKS = {
    "agent_tasks.agent_id": "ai_agents",
    "agent_tasks.org_id": "organizations",
    "agent_executions.agent_id": "ai_agents",
    "agent_executions.org_id": "organizations",
    "agent_executions.stream_id": "streams",
    "stream_agent_assignments.stream_id": "streams",
    "stream_agent_assignments.agent_id": "ai_agents",
}
TYPES = (
    "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute"
    " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
)


@pytest.fixture(scope="module")
def schema(server: str, template: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A session on a migrated database; each test rolls back what it did."""
    name = f"oppspot_schema_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        yield connection
        connection.rollback()
    drop_database(name)


@pytest.fixture
def sql(schema: psycopg.Connection[dict[str, Any]]) -> Iterator[Any]:
    schema.execute("SELECT set_config('oppspot.now', %s, true)", (NOW.isoformat(),))
    yield lambda text, values=None: schema.execute(text, values)
    schema.rollback()


@pytest.fixture(scope="module")
def columns(schema: psycopg.Connection[dict[str, Any]]) -> Found:
    """Each column as (type, value in a row that names no column)."""
    found: Found = {}
    schema.execute("SELECT set_config('oppspot.now', %s, true)", (NOW.isoformat(),))
    for table, least in LEAST.items():
        row = schema.execute(f"INSERT INTO {table} {least} RETURNING *").fetchone()  # type: ignore[arg-type]
        assert row is not None
        for one in schema.execute(TYPES, (table,)).fetchall():
            found[f"{table}.{one['attname']}"] = (one["type"], row[one["attname"]])
    schema.rollback()
    return found


@pytest.mark.parametrize("column", list(CASES))
def test_a_column_has_its_type_and_its_default(columns: Found, column: str) -> None:
    kind, default = CASES[column]
    assert column in columns
    found_kind, found = columns[column]
    assert found_kind == kind
    if default is UUID:
        assert isinstance(found, UUID)
    else:
        assert found == default


@pytest.mark.parametrize("table", list(LEAST))
def test_the_id_is_the_primary_key(sql: Any, table: str) -> None:
    (key,) = sql(
        "SELECT pg_get_constraintdef(oid) AS is FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype = 'p'",
        (table,),
    ).fetchall()
    assert key["is"] == "PRIMARY KEY (id)"


@pytest.mark.parametrize("column", list(LINKS))
def test_a_link_to_a_row_that_is_not_there_is_refused(sql: Any, column: str) -> None:
    table, name = column.split(".")
    also = ("status, ", "'queued', ") if table == "agent_executions" else ("", "")
    with pytest.raises(psycopg.errors.ForeignKeyViolation) as refused:
        sql(f"INSERT INTO {table} ({also[0]}{name}) VALUES ({also[1]}%s)", (uuid4(),))
    assert f'table "{LINKS[column]}"' in str(refused.value)


@pytest.mark.parametrize("priority", [0, 11])
def test_a_priority_outside_1_to_10_is_refused(sql: Any, priority: int) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="priority_is_1_to_10"):
        sql("INSERT INTO agent_tasks (priority) VALUES (%s)", (priority,))


@pytest.mark.parametrize("priority", [1, 10])
def test_priorities_1_and_10_are_accepted(sql: Any, priority: int) -> None:
    sql("INSERT INTO agent_tasks (priority) VALUES (%s)", (priority,))


@pytest.mark.parametrize("status", ["pending", "completed", "failed", "cancelled"])
def test_a_task_may_have_the_status(sql: Any, status: str) -> None:
    row = sql("INSERT INTO agent_tasks (status) VALUES (%s) RETURNING status", (status,)).fetchone()
    assert row["status"] == status


def test_a_task_is_processing_only_in_the_hands_of_a_runner(sql: Any) -> None:
    sql("INSERT INTO agent_tasks (status, run_token, runner_id) VALUES ('processing', 1, 1)")
    with pytest.raises(psycopg.errors.CheckViolation, match="processing_has_a_token"):
        sql("INSERT INTO agent_tasks (status) VALUES ('processing')")


@pytest.mark.parametrize("status", ["queued", "running", "completed", "failed", "cancelled"])
def test_an_execution_may_have_the_status(sql: Any, status: str) -> None:
    sql("INSERT INTO agent_executions (status) VALUES (%s)", (status,))


@pytest.mark.parametrize("table", ["agent_tasks", "agent_executions"])
def test_a_status_that_means_nothing_is_refused(sql: Any, table: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="status_is_known"):
        sql(f"INSERT INTO {table} (status) VALUES ('done')")


def test_a_task_cannot_be_without_a_task_type(sql: Any) -> None:
    row = sql("INSERT INTO agent_tasks (task_type) VALUES (NULL) RETURNING task_type").fetchone()
    assert row["task_type"] == "agent_execution"
    with pytest.raises(psycopg.errors.CheckViolation, match="task_type_is_given"):
        sql("INSERT INTO agent_tasks (task_type) VALUES ('')")


def test_two_columns_are_a_full_enqueue(sql: Any) -> None:
    agent = sql("INSERT INTO ai_agents (name) VALUES ('a') RETURNING id").fetchone()["id"]
    row = sql(
        "INSERT INTO agent_tasks (agent_id, task_type) VALUES (%s, 'agent_execution')"
        " RETURNING status, priority, max_retries, payload, scheduled_for",
        (agent,),
    ).fetchone()
    assert row == {
        "status": "pending", "priority": 5, "max_retries": 3, "payload": {}, "scheduled_for": NOW,
    }  # fmt: skip
