"""Tasks: those that match, and what may be done with many of them at once."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from oppspot_runner.api.access import Reader, Reading, needs
from oppspot_runner.api.bodies.bulk import Action
from oppspot_runner.api.changes import bulk
from oppspot_runner.api.changing import Change, TheChange
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.dashboard.views import TaskView
from oppspot_runner.api.in_query import InQuery
from oppspot_runner.api.reads import tasks as reads
from oppspot_runner.api.routing import Routes
from oppspot_runner.db.files import statement

ORGANISATIONS = statement("overview/organisations")
ROWS = 50
MOST_TOGETHER = 1_000  # tasks of one request
DONE: dict[Action, str] = {
    "retry": "put in line again",
    "cancel": "cancelled, or asked to end",
    "discard": "discarded",
}

router = Routes(include_in_schema=False, default_response_class=HTMLResponse, route_class=PageRoute)


@router.get("/tasks", dependencies=[Depends(needs("read"))])
async def tasks(
    request: Request,
    database: Reading,
    actor: Reader,
    view: Annotated[TaskView, Depends(InQuery(TaskView))],
    before: UUID | None = None,
) -> HTMLResponse:
    """Tasks that match, the newest first."""
    wanted = view.wanted()
    found = await reads.browse(database, wanted, limit=ROWS, before=before)
    organisations = await database.fetch_all(ORGANISATIONS) if actor.is_operator else []
    return page(
        request,
        "tasks",
        chosen=view,
        rows=found.rows,
        older=view.address(before=found.next) if found.next else None,
        newest=view.address() if before else None,
        facets=await reads.facets(database, wanted),
        organisations=organisations,
    )


class Chosen(TaskView):
    """Tasks by their ids, or `all` that match the view."""

    id: list[UUID] = Field(default_factory=list)
    all: str | None = None


@router.post("/tasks/{action}", dependencies=[Depends(needs("run"))])
async def act(
    request: Request, change: TheChange, action: Action, chosen: Annotated[Chosen, Form()]
) -> Response:
    """Does the same to many tasks, a bounded portion of them."""
    ids, more = await _meant(change, action, chosen)
    if not ids:
        return await back(request, "There is no task to which that fits.", kind="wrong")
    told = chosen.chosen() if chosen.all else None
    done = await bulk.do(change, action, ids, chosen_by=told)
    text = f"{len(done.ids):,} of {len(ids):,} tasks were {DONE[action]}."
    if done.refused:
        text += f" Of the others: {done.refused[0].error}."
    if more:
        text += " More match: do it again for them."
    return await back(request, text, kind="done" if done.ids else "wrong")


async def _meant(change: Change, action: Action, chosen: Chosen) -> tuple[list[UUID], bool]:
    if not chosen.all:
        return chosen.id[:MOST_TOGETHER], len(chosen.id) > MOST_TOGETHER
    wanted = bulk.fitting(chosen.wanted(), action)
    if wanted is None:
        return [], False
    ids, after = await reads.matching(change.database, wanted, limit=MOST_TOGETHER)
    return ids, after is not None
