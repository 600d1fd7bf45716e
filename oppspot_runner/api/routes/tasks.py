"""Tasks: list, show, explain, put in, retry, cancel, replay; and the same done to many."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies import bulk as bulks
from oppspot_runner.api.bodies import tasks as bodies
from oppspot_runner.api.changes import bulk
from oppspot_runner.api.changes import tasks as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.in_query import InQuery
from oppspot_runner.api.paging import Cursor, Limit, Page, encode, id_after, page_sent, place_after
from oppspot_runner.api.reads import explanations
from oppspot_runner.api.reads import tasks as reads
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import state_of
from oppspot_runner.queue.client import TaskState
from oppspot_runner.queue.whole_task import whole_task

router = Routes(prefix="/api/v1/tasks", tags=["tasks"], route_class=ChangingRoute)
READ, RUN = [Depends(needs("read"))], [Depends(needs("run"))]


@router.get("", dependencies=READ, response_model=Page[bodies.TaskSummary])
async def list_(
    database: Reading, wanted: Annotated[bulks.ListQuery, Depends(InQuery(bulks.ListQuery))]
) -> Response:
    """Tasks that match, the newest first.

    A bounded number of tasks is looked at for one page, so it may be shorter than `limit`, also
    empty, and not the last one: go on while `next_cursor` is not null.
    """
    before = id_after(wanted.cursor)
    found = await reads.browse(database, wanted.wanted(), limit=wanted.limit, before=before)
    return page_sent(found.rows, None if found.next is None else encode([found.next]))


@router.get("/facets", dependencies=READ)
async def facets(
    database: Reading, wanted: Annotated[bulks.TaskQuery, Depends(InQuery(bulks.TaskQuery))]
) -> bodies.FacetsBody:
    """How many of the newest tasks that match have which status, type, agent and stream."""
    found = await reads.facets(database, wanted.wanted())
    return bodies.FacetsBody.model_validate({**asdict(found), **asdict(found)["values"]})


@router.post("", status_code=201, dependencies=RUN)
async def enqueue(body: bodies.EnqueueTask, change: TheChange) -> bodies.TaskEnqueued:
    """Adds a task."""
    return await changes.enqueue(change, body)


@router.post("/many", status_code=201, dependencies=RUN)
async def enqueue_many(body: bodies.EnqueueTasks, change: TheChange) -> bodies.TasksEnqueued:
    """Adds several tasks, or none: one that cannot be added is named, and nothing is."""
    added = await changes.enqueue_many(change, body.tasks, body.on_conflict)
    return bodies.TasksEnqueued(
        ids=added.ids, added=added.added, skipped=added.skipped, replaced=added.replaced
    )


@router.post("/bulk", dependencies=RUN)
async def do_to_many(body: bulks.BulkRequest, change: TheChange) -> bulks.BulkResult:
    """Retries, cancels or discards some tasks, or a portion of all that match a filter.

    What of a filter's tasks the action does not fit is not matched; without a status `retry` takes
    failed and cancelled ones.
    """
    return await bulk.answer(change, body)


@router.get("/{task_id}", dependencies=READ)
async def show(task_id: UUID, database: Reading) -> bodies.WholeTaskBody:
    """One task with its attempts and their reasons, finished steps, progress and output."""
    whole = await whole_task(database, task_id)
    return bodies.WholeTaskBody.model_validate(whole, from_attributes=True)


@router.get("/{task_id}/explain", dependencies=READ)
async def explain(task_id: UUID, database: Reading, request: Request) -> bodies.ExplanationBody:
    """Why the task is not running, or what became of it, and what may be done."""
    fair = state_of(request).settings.fair_share
    found = await explanations.explain(database, task_id, fair=fair)
    return bodies.ExplanationBody.model_validate(asdict(found))


@router.get("/{task_id}/events", dependencies=READ)
async def list_events(
    task_id: UUID,
    database: Reading,
    attempt: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[bodies.TaskEvent]:
    """Its log lines, progress and output in its run, in order, as far as they are kept.

    A task of no run keeps none.
    """
    (after,) = place_after(cursor, int) or (0,)
    rows = await reads.events(database, task_id, attempt=attempt, after=after, limit=limit + 1)
    shown = [bodies.TaskEvent.model_validate(row) for row in rows[:limit]]
    return Page(items=shown, next_cursor=encode([shown[-1].seq]) if len(rows) > limit else None)


@router.post("/{task_id}/retry", dependencies=RUN)
async def retry(task_id: UUID, change: TheChange) -> bodies.TaskChanged:
    """Puts an ended task in line again, due now and with all its retries.

    One that waits for its next try after an error is due at once, and keeps its count of errors.
    """
    _, after, changed = await changes.retry(change, task_id)
    return _changed(after, changed)


@router.post("/{task_id}/cancel", dependencies=RUN)
async def cancel(
    task_id: UUID, change: TheChange, body: bodies.CancelTask | None = None
) -> bodies.TaskChanged:
    """Cancels a waiting task at once, and asks the runner of a running one to end it."""
    return _changed(*await changes.cancel(change, task_id, body.reason if body else None))


@router.post("/{task_id}/replay", status_code=201, dependencies=RUN)
async def replay(
    task_id: UUID, change: TheChange, body: bodies.ReplayTask | None = None
) -> bodies.TaskReplayed:
    """Does an ended task again, as a new task; the old one stays as it is."""
    given = body or bodies.ReplayTask()
    made, kept = await changes.replay(change, task_id, given.from_step, given.payload)
    return bodies.TaskReplayed(id=made, replay_of=task_id, steps_kept=kept)


def _changed(state: TaskState, changed: bool) -> bodies.TaskChanged:
    return bodies.TaskChanged(id=state.id, status=state.status, changed=changed)
