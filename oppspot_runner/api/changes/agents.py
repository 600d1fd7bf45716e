"""Changes of agents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from oppspot_runner.api.bodies.agents import ChangedAgent, NewAgent, model_of
from oppspot_runner.api.changing import Change
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.reads.agents import show_agent
from oppspot_runner.app import agent_keys
from oppspot_runner.base.errors import ConflictError, InvalidInputError
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.files import statement

DELETE = statement("agents/delete")

RECORDED = ("name", "agent_type", "description", "configuration", "is_active", "schedule_cron")


async def create(change: Change, wanted: NewAgent, settings: Settings) -> DictRow:
    """Makes an agent. Raises InvalidInputError for what its code could not use, and
    ConfigurationError for an api_key that cannot be stored."""
    agent_id = await change.client.create_agent(
        agent_type=wanted.agent_type,
        name=wanted.name,
        configuration=wanted.configured({}),
        description=wanted.description,
        is_active=wanted.is_active,
        schedule_cron=wanted.schedule_cron,
        schedule_timezone=wanted.schedule_timezone,
        parent=wanted.parent_id,
        org_id=change.owner(wanted.org_id),
    )
    made = await _keep_key(change, wanted, await show_agent(change.database, agent_id), settings)
    await change.record("agent.create", "agent", agent_id, after=_told(made, wanted))
    return made


async def update(
    change: Change, agent_id: UUID, wanted: ChangedAgent, settings: Settings
) -> DictRow:
    """Changes what is given of an agent. Raises as `create`, and NotFoundError."""
    before = await _changeable(change, agent_id)
    columns = wanted.model_dump(
        include={"name", "agent_type", "description", "is_active", "schedule_cron"}
        | {"schedule_timezone"}
    )
    configuration = wanted.configured(before["configuration"])
    if wanted.model_fields_set != {"api_key"}:
        await change.client.update_agent(agent_id, **columns, configuration=configuration)
    after = await _keep_key(change, wanted, await show_agent(change.database, agent_id), settings)
    told = {"before": _told(before), "after": _told(after, wanted)}
    await change.record("agent.update", "agent", agent_id, **told)
    return after


async def delete(change: Change, agent_id: UUID) -> None:
    """Deletes an agent that never had a task or an assignment. Raises ConflictError for others."""
    before = await _changeable(change, agent_id)
    try:
        async with change.database.transaction():
            await change.database.execute(DELETE, {"id": agent_id})
    except psycopg.errors.ForeignKeyViolation:
        raise ConflictError(
            f"agent {agent_id} has tasks, history, or a place in a stream, and cannot be deleted",
            hint='PATCH it with {"is_active": false}: then it runs no more.',
        ) from None
    await change.record("agent.delete", "agent", agent_id, before=_told(before))


async def _changeable(change: Change, agent_id: UUID) -> DictRow:
    """The agent, if whoever asks may change it. One of no organisation that works for a stream of
    his he only sees."""
    agent = await show_agent(change.database, agent_id)
    if not change.actor.is_operator and agent["org_id"] != change.actor.org_id:
        raise ApiError(
            ApiCode.FORBIDDEN, "the agent is the operators': your organisation may only run it"
        )
    return agent


async def _keep_key(
    change: Change, wanted: NewAgent | ChangedAgent, agent: DictRow, settings: Settings
) -> DictRow:
    """The agent, whose key is now the one of the request, if that has one."""
    if "api_key" not in wanted.model_fields_set:
        return agent
    agent_id: UUID = agent["id"]
    if wanted.api_key is None:
        await agent_keys.drop(change.database, agent_id)
    else:
        model = model_of(agent["agent_type"], agent["configuration"])
        if model is None or "api_key_env" in agent["configuration"]:
            raise InvalidInputError(
                "an api_key is for the provider of the agent's model, and there "
                + ("is an api_key_env already" if model else "is no model"),
            )
        await agent_keys.keep(change.database, settings, agent_id, model, wanted.api_key)
    return {**agent, "api_key_stored": wanted.api_key is not None}


def _told(agent: DictRow, wanted: NewAgent | ChangedAgent | None = None) -> dict[str, Any]:
    told = {name: agent[name] for name in RECORDED}
    if wanted is not None and "api_key" in wanted.model_fields_set:
        told["api_key"] = "stored" if agent["api_key_stored"] else None
    return told
