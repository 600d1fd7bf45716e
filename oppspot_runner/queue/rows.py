"""Reads claimed rows into tasks. A payload that cannot be read is noted on its own task."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from oppspot_runner.base.task import NOTIFICATION, AgentRow, Task

# Deliveries have no row in ai_agents: nobody configures who delivers.
NOTIFIER = AgentRow(UUID(int=0), None, NOTIFICATION, NOTIFICATION)


def task_from_row(row: dict[str, Any]) -> Task:
    """A row of queue/claim as a Task; never raises for what people put into the row."""
    payload, payload_error = _object(row["payload"], "the payload")
    agent, agent_error = _agent(row)
    return Task(
        id=row["id"],
        run_token=row["run_token"],
        attempt=row["attempt"],
        execution_id=row["execution_id"],
        task_type=row["task_type"],
        priority=row["priority"],
        retry_count=row["retry_count"],
        max_retries=row["max_retries"],
        crash_count=row["crash_count"],
        org_id=row["org_id"],
        stream_id=row["stream_id"],
        run_id=row["run_id"],
        agent=agent,
        payload=payload,
        created_at=row["created_at"],
        started_at=row["started_at"],
        wait_ms=max(row["wait_ms"], 0),
        limit_key=row["limit_key"],
        unique_key=row["unique_key"],
        requested_by=row["requested_by"],
        replay_of=row["replay_of"],
        traceparent=row["traceparent"],
        payload_error=payload_error or agent_error or _foreign(row),
    )


def _agent(row: dict[str, Any]) -> tuple[AgentRow | None, str | None]:
    if row["agent_id"] is None:
        return NOTIFIER if row["task_type"] == NOTIFICATION else None, None
    configuration, error = _object(row["configuration"], "the agent's configuration")
    agent = AgentRow(
        id=row["agent_id"],
        org_id=row["agent_org_id"],
        name=row["agent_name"],
        agent_type=row["agent_type"],
        configuration=configuration,
        is_active=row["is_active"] is not False,
        timezone=row["schedule_timezone"] or "UTC",
    )
    return agent, error


def _foreign(row: dict[str, Any]) -> str | None:
    theirs, ours = row["agent_org_id"], row["task_org_id"]
    if theirs is None or ours is None or theirs == ours:
        return None
    return f"the agent belongs to organisation {theirs}, the task to {ours}"


def _object(text: str | None, name: str) -> tuple[dict[str, Any], str | None]:
    if text is None or text == "{}":
        return {}, None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of 5,000 digits, nesting of 10,000
        return {}, f"{name} cannot be read: {error}"
    if not isinstance(value, dict):
        return {}, f"{name} is not a JSON object"
    return value, None
