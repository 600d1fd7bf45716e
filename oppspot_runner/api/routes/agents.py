"""Agents: rows that say which code runs, with which configuration."""

from __future__ import annotations

import inspect
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request

from oppspot_runner.agents.registry import Definition
from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.agents import (
    AgentBody,
    AgentDeleted,
    AgentShown,
    AgentToolBody,
    AgentToolsBody,
    AgentType,
    AgentTypes,
    ChangedAgent,
    NewAgent,
)
from oppspot_runner.api.changes import agents as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.paging import Cursor, Limit, Page, page_of
from oppspot_runner.api.reads import agents as reads
from oppspot_runner.api.reads.looks import performance
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import state_of
from oppspot_runner.app.agent_tools import tools_of

router = Routes(prefix="/api/v1", tags=["agents"], route_class=ChangingRoute)

NAMED = 200  # characters of a type that may be asked for


@router.get("/agents", dependencies=[Depends(needs("read"))])
async def list_agents(
    database: Reading,
    agent_type: Annotated[str | None, Query(max_length=NAMED)] = None,
    is_active: bool | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AgentShown]:
    """Agents by name."""
    rows = await reads.list_agents(
        database, limit=limit + 1, cursor=cursor, agent_type=agent_type, is_active=is_active
    )
    page = page_of(rows, limit, lambda row: (row["sorted_by"], row["id"]))
    fared = await performance(database)
    items = [AgentShown.with_performance(row, fared.get(row["id"])) for row in page.items]
    return Page(items=items, next_cursor=page.next_cursor)


@router.post("/agents", dependencies=[Depends(needs("admin"))])
async def create(body: NewAgent, change: TheChange, request: Request) -> AgentBody:
    """Makes an agent."""
    return AgentBody.of(await changes.create(change, body, state_of(request).settings))


@router.get("/agents/{agent_id}", dependencies=[Depends(needs("read"))])
async def show(agent_id: UUID, database: Reading) -> AgentShown:
    """One agent."""
    row = await reads.show_agent(database, agent_id)
    return AgentShown.with_performance(row, (await performance(database)).get(agent_id))


@router.patch("/agents/{agent_id}", dependencies=[Depends(needs("admin"))])
async def update(
    agent_id: UUID, body: ChangedAgent, change: TheChange, request: Request
) -> AgentBody:
    """Changes what is given. Tasks that run already go on as they began.

    An `api_key` that is null takes the stored one away.
    """
    settings = state_of(request).settings
    return AgentBody.of(await changes.update(change, agent_id, body, settings))


@router.delete("/agents/{agent_id}", dependencies=[Depends(needs("admin"))])
async def delete(agent_id: UUID, change: TheChange) -> AgentDeleted:
    """Deletes an agent that has never run. One that has is deactivated instead, by PATCH."""
    await changes.delete(change, agent_id)
    return AgentDeleted(id=agent_id)


@router.get("/agents/{agent_id}/tools", dependencies=[Depends(needs("read"))])
async def list_tools(agent_id: UUID, request: Request, database: Reading) -> AgentToolsBody:
    """The tools that the agent's configuration names, also those that are switched off."""
    agent = await reads.show_agent(database, agent_id)
    found = await tools_of(agent["configuration"], state_of(request).settings)
    tools = [AgentToolBody.model_validate(one, from_attributes=True) for one in found]
    return AgentToolsBody(agent_id=agent_id, tools=tools, total_tools=len(tools))


@router.get("/agent-types", dependencies=[Depends(needs("read"))])
async def list_types(request: Request) -> AgentTypes:
    """The types of agents that this process knows, with the JSON schema of their payloads."""
    registry = state_of(request).registry
    return AgentTypes(items=[_shown(registry.find(name)) for name in registry.known()])


def _shown(definition: Definition) -> AgentType:
    model = definition.input_model
    return AgentType(
        agent_type=definition.agent_type,
        description=(inspect.getdoc(definition.body) or "").partition("\n")[0],
        input_schema=None if model is None else model.model_json_schema(),
    )
