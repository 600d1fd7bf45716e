"""Runners one by one, for operators: list, pause, resume, stop."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies import holds as bodies
from oppspot_runner.api.changes import runners as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.paging import Cursor, Limit, Page, page_within
from oppspot_runner.api.routing import Routes
from oppspot_runner.queue import read

router = Routes(prefix="/api/v1/runners", tags=["runners"], route_class=ChangingRoute)
ADMIN = [Depends(needs("admin"))]
RunnerId = Annotated[int, Path(ge=0, lt=2**63)]


@router.get("", dependencies=[Depends(needs("read"))])
async def list_(
    database: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Page[bodies.RunnerSummary]:
    """Runners that live, and those that died with tasks in their name."""
    if not database.actor.is_operator:
        raise ApiError(ApiCode.FORBIDDEN, "runners work for all: this wants an operator's token")
    rows = await read.runners(database)
    return page_within(bodies.RunnerSummary, rows, limit, cursor, lambda row: [f"{row['id']:020}"])


@router.post("/{runner_id}/pause", dependencies=ADMIN)
async def pause(runner_id: RunnerId, change: TheChange) -> bodies.RunnerAsked:
    """It takes no tasks until it is resumed. What runs goes on."""
    await changes.ask(change, runner_id, "pause")
    return bodies.RunnerAsked(id=runner_id, desired="pause")


@router.post("/{runner_id}/resume", dependencies=ADMIN)
async def resume(runner_id: RunnerId, change: TheChange) -> bodies.RunnerAsked:
    """It takes tasks again."""
    await changes.ask(change, runner_id, "resume")
    return bodies.RunnerAsked(id=runner_id, desired="run")


@router.post("/{runner_id}/stop", dependencies=ADMIN)
async def stop(runner_id: RunnerId, change: TheChange) -> bodies.RunnerAsked:
    """It ends what it does, and then itself."""
    await changes.ask(change, runner_id, "stop")
    return bodies.RunnerAsked(id=runner_id, desired="stop")
