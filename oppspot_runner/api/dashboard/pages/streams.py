"""Streams: all of them, and one with its goal, its graph as it runs, its agents and insights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response
from psycopg.rows import DictRow

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.streams import RunOfStream
from oppspot_runner.api.changes import streams as changes
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard.addresses import address
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.graph import drawing
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.paging import Cursor, encode, place_after
from oppspot_runner.api.reads.graph import Graph, run_graph, stream_graph
from oppspot_runner.api.reads.items import count_items
from oppspot_runner.api.routing import Routes
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database
from oppspot_runner.scheduler.schedules import list_schedules
from oppspot_runner.streams import assignments, directory
from oppspot_runner.streams.insights import InsightStore
from oppspot_runner.workflow import runs as stream_runs
from oppspot_runner.workflow.plan import terms

router = Routes(
    prefix="/streams",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
)
MOST_STREAMS = 50
MOST_RUNS = 6
MOST_INSIGHTS = 12


@router.get("", dependencies=[Depends(needs("read"))])
async def all_streams(
    request: Request, database: Reading, q: str | None = None, cursor: Cursor = None
) -> HTMLResponse:
    """Streams, the newest first."""
    before = place_after(cursor, datetime.fromisoformat, UUID)
    rows = await AsyncClient(database).run(
        directory.list_streams(words=q, before=before, limit=MOST_STREAMS + 1)
    )
    shown = rows[:MOST_STREAMS]
    last = encode((shown[-1]["created_at"], shown[-1]["id"])) if rows[MOST_STREAMS:] else None
    return page(
        request,
        "streams",
        rows=shown,
        q=q,
        next_due=await _next_due(database),
        next_url=address("streams", q=q, cursor=last) if last else None,
        first_url=address("streams", q=q) if cursor else None,
    )


async def _next_due(database: Database) -> dict[UUID, datetime]:
    """When each stream is started next by a schedule."""
    due: dict[UUID, datetime] = {}
    for one in await list_schedules(database):
        if one.stream_id and one.due_at and one.state == "active":
            due[one.stream_id] = min(due.get(one.stream_id, one.due_at), one.due_at)
    return due


@router.get("/{stream_id}", dependencies=[Depends(needs("read"))])
async def one(request: Request, stream_id: UUID, database: Reading) -> HTMLResponse:
    """A stream."""
    client = AsyncClient(database)
    stream = await client.run(directory.get_stream(stream_id))
    runs = await stream_runs.list_runs(database, stream_id=stream_id, limit=MOST_RUNS)
    graph, run = await _graph(database, stream_id, runs)
    insights = InsightStore(database, stream["org_id"], stream_id)
    return page(
        request,
        "stream",
        stream=stream,
        targets=_targets(stream["progress"]),
        runs=runs,
        run=run,
        graph=graph,
        drawing=drawing(graph, datetime.now().astimezone()),
        assigned=await client.run(assignments.list_assignments(stream_id)),
        insights=await insights.newest(MOST_INSIGHTS),
        counts=await count_items(database, stream_id),
        terms=terms,
        schedules=[one for one in await list_schedules(database) if one.stream_id == stream_id],
    )


async def _graph(
    database: Database, stream_id: UUID, runs: Sequence[DictRow]
) -> tuple[Graph, DictRow | None]:
    """The graph of the run that is on, else of the last one, else of the plan."""
    run = next((one for one in runs if one["status"] == "running"), runs[0] if runs else None)
    if run is None:
        return await stream_graph(database, stream_id), None
    return await run_graph(database, run["id"]), run


def _targets(progress: Any) -> list[tuple[str, Mapping[str, Any]]]:
    targets = progress.get("targets") if isinstance(progress, dict) else None
    return list(targets.items()) if isinstance(targets, dict) else []


@router.post("/{stream_id}/run", dependencies=[Depends(needs("run"))])
async def run(request: Request, stream_id: UUID, change: TheChange) -> Response:
    """Starts all agents of a stream."""
    made = await changes.run(change, stream_id, RunOfStream())
    return await back(request, "The run has begun.", to=f"runs/{made}")
