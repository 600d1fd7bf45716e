"""Schedules: list, show, when they are due next, pause, resume, run now."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies import schedules as bodies
from oppspot_runner.api.changes import schedules as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.paging import Cursor, Limit, Page, page_within
from oppspot_runner.api.routing import Routes
from oppspot_runner.scheduler import schedules
from oppspot_runner.scheduler.schedules import Schedule

router = Routes(prefix="/api/v1/schedules", tags=["schedules"], route_class=ChangingRoute)
READ, RUN, ADMIN = ([Depends(needs(scope))] for scope in ("read", "run", "admin"))
MOST_TIMES = 100


@router.get("", dependencies=READ)
async def list_(
    database: Reading,
    agent_id: Annotated[UUID | None, Query(description="Only of this agent.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[bodies.ScheduleBody]:
    """Schedules, by their ids."""
    rows = [_shown(one) for one in await schedules.list_schedules(database, agent_id)]
    return page_within(bodies.ScheduleBody, rows, limit, cursor, lambda row: [str(row["id"])])


@router.get("/{schedule_id}", dependencies=READ)
async def show(schedule_id: UUID, database: Reading) -> bodies.ScheduleBody:
    """One schedule and how it stands."""
    return _body(await changes.find(database, schedule_id))


@router.get("/{schedule_id}/next", dependencies=READ)
async def coming(
    schedule_id: UUID,
    database: Reading,
    count: Annotated[int, Query(ge=1, le=MOST_TIMES, description="How many times.")] = 5,
) -> bodies.ComingTimes:
    """When it is due next."""
    found = await changes.find(database, schedule_id)
    return bodies.ComingTimes(id=schedule_id, times=found.coming(count))


@router.post("/{schedule_id}/pause", dependencies=ADMIN)
async def pause(schedule_id: UUID, change: TheChange) -> bodies.ScheduleBody:
    """Lets it rest until it is resumed. What it has started goes on."""
    return _body(await changes.pause(change, schedule_id))


@router.post("/{schedule_id}/resume", dependencies=ADMIN)
async def resume(schedule_id: UUID, change: TheChange) -> bodies.ScheduleBody:
    """Lets one that rests or failed fire again, from now on."""
    return _body(await changes.resume(change, schedule_id))


@router.post("/{schedule_id}/run-now", status_code=201, dependencies=RUN)
async def run_now(schedule_id: UUID, change: TheChange) -> bodies.ScheduleStarted:
    """Starts what its next due time would start, whatever is on."""
    task = await changes.run_now(change, schedule_id)
    return bodies.ScheduleStarted(id=schedule_id, task_id=task)


def _shown(one: Schedule) -> dict[str, Any]:
    names = set(bodies.ScheduleBody.model_fields)
    return {name: getattr(one, name) for name in names}


def _body(one: Schedule) -> bodies.ScheduleBody:
    return bodies.ScheduleBody.model_validate(_shown(one))
