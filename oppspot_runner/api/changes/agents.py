"""Changes of agents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from oppspot_runner.api.bodies.agents import ChangedAgent, NewAgent
from oppspot_runner.api.changing import Change
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.reads.agents import show_agent
from oppspot_runner.base.errors import ConflictError
from oppspot_runner.db.files import statement

DELETE = statement("agents/delete")

RECORDED = ("name", "agent_type", "description", "configuration", "is_active", "schedule_cron")


async def create(change: Change, wanted: NewAgent) -> DictRow:
    """Makes an agent. Raises InvalidInputError for what its code could not use."""
    org_id = wanted.org_id or change.actor.org_id
    if not change.actor.is_operator and org_id != change.actor.org_id:
        raise ApiError(ApiCode.FORBIDDEN, "your token makes agents of its own organisation only")
    agent_id = await change.client.create_agent(
        agent_type=wanted.agent_type,
        name=wanted.name,
        configuration=wanted.configured({}),
        description=wanted.description,
        is_active=wanted.is_active,
        schedule_cron=wanted.schedule_cron,
        schedule_timezone=wanted.schedule_timezone,
        parent=wanted.parent_id,
        org_id=org_id,
    )
    made = await show_agent(change.database, agent_id)
    await change.record("agent.create", "agent", agent_id, after=_told(made))
    return made


async def update(change: Change, agent_id: UUID, wanted: ChangedAgent) -> DictRow:
    """Changes what is given of an agent. Raises NotFoundError, InvalidInputError."""
    before = await show_agent(change.database, agent_id)
    columns = wanted.model_dump(
        include={"name", "agent_type", "description", "is_active", "schedule_cron"}
        | {"schedule_timezone"}
    )
    configuration = wanted.configured(before["configuration"])
    await change.client.update_agent(agent_id, **columns, configuration=configuration)
    after = await show_agent(change.database, agent_id)
    told = {"before": _told(before), "after": _told(after)}
    await change.record("agent.update", "agent", agent_id, **told)
    return after


async def delete(change: Change, agent_id: UUID) -> None:
    """Deletes an agent that never had a task or an assignment. Raises ConflictError for others."""
    before = await show_agent(change.database, agent_id)
    try:
        async with change.database.transaction():
            await change.database.execute(DELETE, {"id": agent_id})
    except psycopg.errors.ForeignKeyViolation:
        raise ConflictError(
            f"agent {agent_id} has tasks, history, or a place in a stream, and cannot be deleted",
            hint='PATCH it with {"is_active": false}: then it runs no more.',
        ) from None
    await change.record("agent.delete", "agent", agent_id, before=_told(before))


def _told(agent: DictRow) -> dict[str, Any]:
    return {name: agent[name] for name in RECORDED}
