"""What happens, as it happens: the events of a run, and hints of what changed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from oppspot_runner.api.access import Reader, Reading, needs
from oppspot_runner.api.live.changes import Changed
from oppspot_runner.api.live.event_stream import EventStream, frame
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import ApiState, state_of
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.actor import Actor
from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.workflow import run_events
from oppspot_runner.workflow.run_events import EventType, Page

router = Routes(prefix="/api/v1", tags=["events"])

NEWEST = 2**63 - 1
STREAM = "text/event-stream"
LastEventId = Annotated[
    str | None,
    Header(description="Id of the last event that was seen, as browsers send it by themselves."),
]


class RunEventBody(BaseModel):
    """An event of a run, with what its type brings beside this."""

    model_config = ConfigDict(extra="allow")

    seq: int
    type: EventType
    run_id: UUID
    created_at: datetime
    agent_id: UUID | None = None
    agent_name: str | None = None
    task_id: UUID | None = None
    attempt: int | None = None


class EventPage(BaseModel):
    """Events in a row. `last_seq` is the newest of the run; nothing comes after an `is_end`."""

    items: list[RunEventBody]
    run_status: str
    last_seq: int
    is_end: bool


@router.get(
    "/runs/{run_id}/events",
    dependencies=[Depends(needs("read"))],
    response_model=EventPage,
    responses={
        200: {"content": {STREAM: {"schema": {"type": "string"}}}},
        204: {"description": "The run ended, and its last event was seen."},
    },
)
async def follow_run(
    run_id: UUID,
    request: Request,
    database: Reading,
    actor: Reader,
    after: Annotated[int, Query(ge=0, le=NEWEST, description="Number of the last seen.")] = 0,
    last_event_id: LastEventId = None,
) -> Any:
    """The events of a run, live, up to its last one; or a page of them as JSON.

    Server-sent events, unless the request accepts only application/json. The id of each is its
    number: whoever was cut off goes on after it, by Last-Event-ID or `after`. Comments every 15 s
    keep the line open. The answer is 204 when nothing will come any more.
    """
    after = after if last_event_id is None else _number(last_event_id)
    client = AsyncClient(database.bound)
    if _wants_page(request):
        return _body(await client.run(run_events.read(run_id, after)))
    state = state_of(request)
    state.streams.admit(actor)
    page = await client.run(run_events.read(run_id, NEWEST))
    if page.is_end:
        page = await client.run(run_events.read(run_id, after))
        if not page.events:
            return Response(status_code=204)
    return EventStream(state.streams, actor, _frames(state, run_id, after))


def _wants_page(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and STREAM not in accepted


def _number(last_event_id: str) -> int:
    if not last_event_id.isdecimal() or len(last_event_id) > len(str(NEWEST)):
        raise InvalidInputError("Last-Event-ID is no number of an event", hint="Begin without it.")
    return run_events.checked_after(int(last_event_id))


def _body(page: Page) -> EventPage:
    items = [RunEventBody.model_validate(event.flat()) for event in page.events]
    return EventPage(
        items=items, run_status=page.run_status, last_seq=page.last_seq, is_end=page.is_end
    )


async def _frames(state: ApiState, run_id: UUID, after: int) -> AsyncGenerator[bytes, None]:
    async with aclosing(state.follower.follow(run_id, after)) as events:
        async for event in events:
            yield frame(event.as_json, id_=str(event.seq))


async def _hints(state: ApiState, actor: Actor, last_id: str | None) -> AsyncGenerator[bytes, None]:
    async with aclosing(state.changes.follow(actor, last_id)) as hints:
        async for id_, changed in hints:
            yield frame(changed.model_dump_json(), id_=id_, event="changes")


@router.get(
    "/changes",
    dependencies=[Depends(needs("read"))],
    response_model=Changed,
    responses={200: {"content": {STREAM: {"schema": {"type": "string"}}}}},
)
async def follow_changes(
    request: Request,
    actor: Reader,
    since: Annotated[str | None, Query(max_length=200, description="As Last-Event-ID.")] = None,
    last_event_id: LastEventId = None,
) -> Any:
    """Hints of which kinds of things changed, for pages: server-sent events named `changes`.

    At most one a second. The first comes at once, with what changed since the id that was brought.
    """
    state = state_of(request)
    state.streams.admit(actor)
    return EventStream(state.streams, actor, _hints(state, actor, last_event_id or since))
