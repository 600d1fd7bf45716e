"""Schedules: what starts by itself, when next, and what became of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.changes import schedules as changes
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.dashboard.schedule_words import in_words
from oppspot_runner.api.reads.looks import history
from oppspot_runner.api.routing import Routes
from oppspot_runner.scheduler.schedules import Schedule, first_coming, list_schedules

router = Routes(
    prefix="/schedules",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
)
MOST_COMING = 8
MOST_SHOWN = 100
LATE = timedelta(seconds=60)  # a runner looks far more often


@router.get("", dependencies=[Depends(needs("read"))])
async def all_schedules(request: Request, database: Reading) -> HTMLResponse:
    """All schedules: those with an error first, then by their next due time."""
    rows = await list_schedules(database)
    shown = rows[:MOST_SHOWN]
    return page(
        request,
        "schedules",
        rows=shown,
        left_out=len(rows) - len(shown),
        coming=first_coming(rows, MOST_COMING),
        history=await history(database, [one.id for one in shown]),
        in_words=in_words,
        is_late=_is_late,
    )


def _is_late(schedule: Schedule) -> bool:
    """Whether it should have fired a while ago: no runner looks."""
    due = schedule.due_at
    return schedule.state == "active" and due is not None and schedule.now - due > LATE


@router.post("/{schedule_id}/run", dependencies=[Depends(needs("run"))])
async def run_now(request: Request, schedule_id: UUID, change: TheChange) -> Response:
    """Starts what it starts, now."""
    task = await changes.run_now(change, schedule_id)
    return await back(request, f"Task {task} was started.", to=f"tasks/{task}")


@router.post("/{schedule_id}/pause", dependencies=[Depends(needs("admin"))])
async def pause(request: Request, schedule_id: UUID, change: TheChange) -> Response:
    """Lets a schedule rest."""
    one = await changes.pause(change, schedule_id)
    return await back(request, f"The schedule of {one.name} rests until it is resumed.")


@router.post("/{schedule_id}/resume", dependencies=[Depends(needs("admin"))])
async def resume(request: Request, schedule_id: UUID, change: TheChange) -> Response:
    """Lets a schedule fire again."""
    one = await changes.resume(change, schedule_id)
    return await back(request, f"The schedule of {one.name} fires again from now on.")
