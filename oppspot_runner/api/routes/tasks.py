"""Tasks: list, show, and what may be done with them."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.changes import tasks as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.task import TaskStatus

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"], route_class=ChangingRoute)


class TaskBody(BaseModel):
    """A task as it stands."""

    id: UUID
    status: TaskStatus


class TaskChanged(BaseModel):
    """What became of a request about a task; `changed` is false when there was nothing to do."""

    id: UUID
    status: TaskStatus
    changed: bool


@router.get("/{task_id}", dependencies=[Depends(needs("read"))])
async def show(task_id: UUID, database: Reading) -> TaskBody:
    """One task."""
    state = await AsyncClient(database.bound).get(task_id)
    return TaskBody(id=state.id, status=state.status)


@router.post("/{task_id}/retry", dependencies=[Depends(needs("run"))])
async def retry(task_id: UUID, change: TheChange) -> TaskChanged:
    """Puts an ended task in line again, due now and with all its retries."""
    state, changed = await changes.retry(change, task_id)
    return TaskChanged(id=state.id, status=state.status, changed=changed)
