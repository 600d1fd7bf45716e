"""A form that adds a task."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field, ValidationError

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.tasks import EnqueueTask
from oppspot_runner.api.changes import tasks as changes
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.pages.task import payload_of
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.reads.agents import list_agents
from oppspot_runner.api.routing import Routes
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.errors import OppspotError
from oppspot_runner.db.acting import BoundDatabase
from oppspot_runner.streams import directory

MOST_OFFERED = 500  # agents and streams to choose from

router = Routes(
    prefix="/tasks/new",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    route_class=PageRoute,
)


class NewTaskForm(BaseModel):
    """What the form was filled in with, as it was written."""

    agent: str = ""
    payload: str = "{}"
    priority: str = "5"
    scheduled_for: str = ""
    stream_id: str = ""
    unique_key: str = Field("", max_length=1_000)
    max_retries: str = ""

    def task(self) -> EnqueueTask:
        """The task that it asks for. Raises OppspotError or ValidationError."""
        given: dict[str, Any] = {
            name: value.strip()
            for name, value in self
            if name not in ("payload", "scheduled_for") and value.strip()
        }
        if self.scheduled_for:
            given["scheduled_for"] = datetime.fromisoformat(self.scheduled_for).replace(tzinfo=UTC)
        return EnqueueTask(payload=payload_of(self.payload), on_conflict="raise", **given)


@router.get("", dependencies=[Depends(needs("run"))])
async def empty(request: Request, database: Reading, agent: UUID | None = None) -> Response:
    """The form."""
    return await _form(request, database, NewTaskForm(agent=str(agent) if agent else ""))


@router.post("", dependencies=[Depends(needs("run"))])
async def add(
    request: Request, change: TheChange, form: Annotated[NewTaskForm, Form()]
) -> Response:
    """Adds the task; what is wrong with it is said where it was written."""
    try:
        made = await changes.enqueue(change, form.task())
    except ValidationError as error:
        first = error.errors()[0]
        fault = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except ValueError:
        fault = "the time is none that we can read"
    except OppspotError as error:
        fault = error.one_line()
    else:
        return await back(request, "The task was added.", to=f"tasks/{made.id}")
    return await _form(request, change.database, form, fault)


async def _form(
    request: Request, database: BoundDatabase, form: NewTaskForm, fault: str | None = None
) -> Response:
    agents = await list_agents(database, limit=MOST_OFFERED, is_active=True)
    streams = await AsyncClient(database.bound).run(directory.list_streams(limit=MOST_OFFERED))
    code = 200 if fault is None else 422
    return page(request, "new_task", code, form=form, fault=fault, agents=agents, streams=streams)
