"""Agents: how they fare, and one with its configuration, its streams and what it ran last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.agents import ChangedAgent
from oppspot_runner.api.changes import agents as changes
from oppspot_runner.api.changes import pauses as pausing
from oppspot_runner.api.changing import Change, TheChange
from oppspot_runner.api.dashboard.addresses import address
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.dashboard.schedule_words import in_words
from oppspot_runner.api.paging import Cursor, encode
from oppspot_runner.api.reads import agents as reads
from oppspot_runner.api.reads import looks, tasks
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import state_of
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.breakers import open_breakers
from oppspot_runner.queue.control import pauses
from oppspot_runner.workflow.plan import terms

router = Routes(
    prefix="/agents",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
)
MOST_AGENTS = 100
MOST_TASKS = 15


@router.get("", dependencies=[Depends(needs("read"))])
async def all_agents(
    request: Request,
    database: Reading,
    agent_type: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    """Agents by name."""
    rows = await reads.list_agents(
        database, limit=MOST_AGENTS + 1, cursor=cursor, agent_type=agent_type or None
    )
    shown, more = rows[:MOST_AGENTS], rows[MOST_AGENTS:]
    last = encode((shown[-1]["sorted_by"], shown[-1]["id"])) if more else None
    return page(
        request,
        "agents",
        rows=shown,
        fares=await looks.performance(database),
        look=looks.MOST_TASKS,
        breakers={one["agent_id"]: one for one in await open_breakers(database)},
        paused=await _paused(database),
        agent_type=agent_type,
        in_words=in_words,
        next_url=address("agents", agent_type=agent_type, cursor=last) if last else None,
        first_url=address("agents", agent_type=agent_type) if cursor else None,
    )


async def _paused(database: Database) -> set[str]:
    return {one["key"] for one in await pauses(database) if one["scope"] == "agent"}


@router.get("/{agent_id}", dependencies=[Depends(needs("read"))])
async def one(request: Request, agent_id: UUID, database: Reading) -> HTMLResponse:
    """An agent."""
    agent = await reads.show_agent(database, agent_id)
    wanted = tasks.TaskFilter(agent_id=agent_id)
    breakers = await open_breakers(database, agent_id)
    return page(
        request,
        "agent",
        agent=agent,
        fares=(await looks.performance(database)).get(agent_id),
        look=looks.MOST_TASKS,
        breaker=breakers[0] if breakers else None,
        is_paused=str(agent_id) in await _paused(database),
        streams=await looks.streams_of(database, agent_id),
        terms=terms,
        in_words=in_words,
        tasks=(await tasks.browse(database, wanted, limit=MOST_TASKS)).rows,
    )


@router.post("/{agent_id}/pause", dependencies=[Depends(needs("admin"))])
async def pause(request: Request, agent_id: UUID, change: TheChange) -> Response:
    """Starts none of its tasks until it is resumed."""
    agent = await reads.show_agent(change.database, agent_id)
    await pausing.pause(change, "agent", str(agent_id))
    return await back(request, f"{_called(agent)} is paused: what runs goes on, nothing starts.")


@router.post("/{agent_id}/resume", dependencies=[Depends(needs("admin"))])
async def resume(request: Request, agent_id: UUID, change: TheChange) -> Response:
    """Lets its tasks start again, also after errors in a row."""
    agent = await reads.show_agent(change.database, agent_id)
    changed = await pausing.resume(change, "agent", str(agent_id))
    told = "takes tasks again" if changed else "was not paused"
    return await back(request, f"{_called(agent)} {told}.")


@router.post("/{agent_id}/activate", dependencies=[Depends(needs("admin"))])
async def activate(request: Request, agent_id: UUID, change: TheChange) -> Response:
    """Lets it take tasks."""
    agent = await _set_active(request, change, agent_id, True)
    return await back(request, f"{_called(agent)} is active.")


@router.post("/{agent_id}/deactivate", dependencies=[Depends(needs("admin"))])
async def deactivate(request: Request, agent_id: UUID, change: TheChange) -> Response:
    """Refuses its tasks."""
    agent = await _set_active(request, change, agent_id, False)
    return await back(request, f"{_called(agent)} is inactive: it takes no tasks.")


async def _set_active(
    request: Request, change: Change, agent_id: UUID, is_active: bool
) -> Mapping[str, Any]:
    wanted = ChangedAgent(is_active=is_active)
    return await changes.update(change, agent_id, wanted, state_of(request).settings)


def _called(agent: Mapping[str, Any]) -> str:
    return str(agent["name"] or agent["agent_type"] or agent["id"])
