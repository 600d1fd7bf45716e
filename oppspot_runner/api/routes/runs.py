"""Runs: list, show, start a graph, cancel, approve, do again, signal."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies import runs as bodies
from oppspot_runner.api.changes import runs as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.paging import Cursor, Limit, Page, id_after, page_as
from oppspot_runner.api.routing import Routes
from oppspot_runner.workflow import runs

router = Routes(prefix="/api/v1/runs", tags=["runs"], route_class=ChangingRoute)
READ, RUN = [Depends(needs("read"))], [Depends(needs("run"))]
RunStatus = Literal["running", "completed", "failed", "cancelled"]


@router.get("", dependencies=READ)
async def list_(
    database: Reading,
    stream_id: Annotated[UUID | None, Query(description="Only of this stream.")] = None,
    status: RunStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[bodies.RunSummary]:
    """Runs, the newest first, each with how far it is."""
    rows = await runs.list_runs(
        database, stream_id=stream_id, status=status, before=id_after(cursor), limit=limit + 1
    )
    return page_as(bodies.RunSummary, rows, limit, lambda row: [row["id"]])


@router.post("", status_code=201, dependencies=RUN)
async def start_graph(body: bodies.StartGraph, change: TheChange) -> bodies.GraphStarted:
    """Starts an agent, and then those below it, each with what its parent made."""
    return bodies.GraphStarted(id=await changes.start_graph(change, body))


@router.get("/{run_id}", dependencies=READ)
async def show(run_id: UUID, database: Reading) -> bodies.RunBody:
    """One run with its agents and what they made."""
    return bodies.RunBody(
        run=bodies.RunSummary.model_validate(await runs.get_run(database, run_id)),
        nodes=[
            bodies.RunNodeBody.model_validate(row) for row in await runs.nodes(database, run_id)
        ],
        results=await runs.results(database, run_id) or {},
    )


@router.post("/{run_id}/cancel", dependencies=RUN)
async def cancel(
    run_id: UUID, change: TheChange, body: bodies.CancelRun | None = None
) -> bodies.RunCancelled:
    """Cancels a run, or one agent of it with all below. What runs is asked to end."""
    given = body or bodies.CancelRun()
    tasks = await changes.cancel(change, run_id, given.reason, given.agent_id)
    shown = [bodies.CancelledTask.model_validate(row) for row in tasks]
    return bodies.RunCancelled(id=run_id, tasks=shown)


@router.post("/{run_id}/approve", dependencies=RUN)
async def approve(
    run_id: UUID, change: TheChange, body: bodies.ApproveRun | None = None
) -> bodies.RunApproved:
    """Lets agents start that wait for an approval."""
    approved = await changes.approve(change, run_id, body.agent_id if body else None)
    return bodies.RunApproved(id=run_id, approved=approved)


@router.post("/{run_id}/rerun", status_code=201, dependencies=RUN)
async def rerun(
    run_id: UUID, change: TheChange, body: bodies.RerunRun | None = None
) -> bodies.RunRepeated:
    """Does an ended run again, in a run of its own: all of it, or from an agent on."""
    made = await changes.rerun(change, run_id, body.from_agent_id if body else None)
    return bodies.RunRepeated(id=made, rerun_of=run_id)


@router.post("/{run_id}/signal", status_code=201, dependencies=RUN)
async def signal(run_id: UUID, body: bodies.SignalRun, change: TheChange) -> bodies.RunSignalled:
    """Sends a signal to a run that is on."""
    made = await changes.signal(change, run_id, body.name, body.payload)
    return bodies.RunSignalled(id=made, run_id=run_id)
