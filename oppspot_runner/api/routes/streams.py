"""Streams: list, show, create, change, run; what a run would do; what was noticed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies import streams as bodies
from oppspot_runner.api.changes import streams as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.paging import Cursor, Limit, Page, page_as, place_after
from oppspot_runner.api.reads import graph as graphs
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.values import Words
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import read
from oppspot_runner.streams import assignments, directory
from oppspot_runner.streams.insights import InsightStore
from oppspot_runner.workflow.plan import known_types, plan

router = Routes(prefix="/api/v1/streams", tags=["streams"], route_class=ChangingRoute)
EPOCH = datetime.fromtimestamp(0, UTC)  # where it is not known when a stream was made


async def stream_of(database: Database, stream_id: UUID) -> dict[str, Any]:
    """A stream with its goal and progress. Raises NotFoundError."""
    return await AsyncClient(database).run(directory.get_stream(stream_id))


@router.get("", dependencies=[Depends(needs("read"))])
async def list_(
    database: Reading,
    words: Words = None,
    org_id: Annotated[UUID | None, Query(description="Only of this organisation.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[bodies.StreamSummary]:
    """Streams, the newest first, with their progress and newest run."""
    before = place_after(cursor, datetime.fromisoformat, UUID)
    rows = await AsyncClient(database).run(
        directory.list_streams(org_id=org_id, words=words, before=before, limit=limit + 1)
    )
    return page_as(
        bodies.StreamSummary, rows, limit, lambda row: (row["created_at"] or EPOCH, row["id"])
    )


@router.get("/{stream_id}", dependencies=[Depends(needs("read"))])
async def show(stream_id: UUID, database: Reading) -> bodies.StreamBody:
    """A stream with its goal, its targets, and how far it is."""
    return bodies.StreamBody.model_validate(await stream_of(database, stream_id))


@router.post("", dependencies=[Depends(needs("admin"))])
async def create(wanted: bodies.NewStream, change: TheChange) -> bodies.StreamBody:
    """Makes a stream: a goal that agents work for."""
    return bodies.StreamBody.model_validate(await changes.create(change, wanted))


@router.patch("/{stream_id}", dependencies=[Depends(needs("admin"))])
async def update(
    stream_id: UUID, wanted: bodies.StreamChanges, change: TheChange
) -> bodies.StreamBody:
    """Changes the name, the goal or the targets of a stream. What is not given stays."""
    return bodies.StreamBody.model_validate(await changes.update(change, stream_id, wanted))


@router.post("/{stream_id}/run", dependencies=[Depends(needs("run"))])
async def run(
    stream_id: UUID, change: TheChange, wanted: bodies.RunOfStream | None = None
) -> bodies.RunStarted:
    """Starts all agents of a stream, each after those that it depends on."""
    started = await changes.run(change, stream_id, wanted or bodies.RunOfStream())
    return bodies.RunStarted(run_id=started)


@router.get("/{stream_id}/plan", dependencies=[Depends(needs("read"))])
async def show_plan(stream_id: UUID, database: Reading) -> bodies.PlanBody:
    """What a run would do, level by level, and what is missing. Starts nothing."""
    await stream_of(database, stream_id)
    rows = await AsyncClient(database).run(assignments.list_assignments(stream_id))
    found = plan(rows, known_types(await read.runners(database)))
    return bodies.PlanBody.model_validate(
        {"stream_id": stream_id, "fit": found.is_fit, **asdict(found)}
    )


@router.get("/{stream_id}/graph", dependencies=[Depends(needs("read"))])
async def show_graph(stream_id: UUID, database: Reading) -> graphs.Graph:
    """The agents of a stream as a graph: who waits for whom, by levels."""
    await stream_of(database, stream_id)
    return await graphs.stream_graph(database, stream_id)


@router.get("/{stream_id}/insights", dependencies=[Depends(needs("read"))])
async def list_insights(
    stream_id: UUID, database: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Page[bodies.InsightBody]:
    """What agents noticed about a stream, the newest first."""
    stream = await stream_of(database, stream_id)
    store = InsightStore(database, stream["org_id"], stream_id)
    before = place_after(cursor, datetime.fromisoformat, UUID)
    rows = await store.newest(limit + 1, before=before)
    return page_as(bodies.InsightBody, rows, limit, lambda row: (row["created_at"], row["id"]))
