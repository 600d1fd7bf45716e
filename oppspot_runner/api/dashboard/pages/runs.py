"""Runs: all of them, and one with its graph, its attempts over time, its events and outputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.changes import runs as changes
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard.addresses import address
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.event_words import Line, line
from oppspot_runner.api.dashboard.graph import drawing
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.dashboard.waterfall import waterfall
from oppspot_runner.api.paging import Cursor
from oppspot_runner.api.reads.graph import Node, run_graph
from oppspot_runner.api.routing import Routes
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.errors import InvalidInputError, NotFoundError
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.workflow import run_events
from oppspot_runner.workflow import runs as stream_runs

router = Routes(
    prefix="/runs",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
)
MOST_RUNS = 50
MOST_EVENTS = 100
MOST_OUTPUT = 20_000  # letters of an output that stand on the page
NEWEST = 2**62
COST = statement("runs/cost")
Status = Literal["running", "completed", "failed", "cancelled"]


@dataclass(frozen=True)
class Output:
    """What an agent of a run returned."""

    node: Node
    value: Any

    @property
    def is_short(self) -> bool:
        """Whether it has room on the page of the run."""
        return len(json.dumps(self.value, default=str)) <= MOST_OUTPUT


@router.get("", dependencies=[Depends(needs("read"))])
async def all_runs(
    request: Request,
    database: Reading,
    status: Status | None = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    """Runs, the newest first."""
    rows = await stream_runs.list_runs(database, status=status, limit=MOST_RUNS)
    return page(
        request, "runs", rows=rows, status=status, address=address, next_url=None, first_url=None
    )


@router.get("/{run_id}", dependencies=[Depends(needs("read"))])
async def one(request: Request, run_id: UUID, database: Reading) -> HTMLResponse:
    """A run."""
    # Read before the graph: events after its `last_event` may be told twice, but none is missed.
    run = await stream_runs.get_run(database, run_id)
    now = run["created_at"] + timedelta(seconds=run["age_s"])
    found = await run_graph(database, run_id)
    cost = await database.fetch_one(COST, {"run_id": run_id})
    return page(
        request,
        "run",
        run=run,
        drawing=drawing(found, now),
        waterfall=waterfall(found.nodes, run["created_at"], now),
        attempts=sum(len(node.attempts) for node in found.nodes),
        cost=cost and cost["cost_usd"],
        asked=[node.name for node in found.nodes if node.status == "awaiting_approval"],
        events=await _events(database, run_id),
        outputs=_outputs(found.nodes, await stream_runs.results(database, run_id)),
    )


async def _events(database: Database, run_id: UUID) -> list[Line]:
    """The last events, the newest first."""
    client = AsyncClient(database)
    try:
        newest = (await client.run(run_events.read(run_id, NEWEST))).last_seq
        found = await client.run(run_events.read(run_id, max(newest - MOST_EVENTS, 0)))
    except NotFoundError:  # the run is there: its events are gone
        return []
    return [line(event) for event in reversed(found.events)]


def _outputs(nodes: Sequence[Node], results: Any) -> list[Output]:
    known = results if isinstance(results, dict) else {}
    return [
        Output(node, known[str(node.agent_id)]) for node in nodes if str(node.agent_id) in known
    ]


@router.post("/{run_id}/approve", dependencies=[Depends(needs("run"))])
async def approve(request: Request, run_id: UUID, change: TheChange) -> Response:
    """Lets agents start that wait for an approval."""
    approved = await changes.approve(change, run_id)
    told = f"{approved} agent(s) were approved." if approved else "There was nothing to approve."
    return await back(request, told)


@router.post("/{run_id}/cancel", dependencies=[Depends(needs("run"))])
async def cancel(request: Request, run_id: UUID, change: TheChange) -> Response:
    """Cancels a run."""
    cancelled = await changes.cancel(change, run_id)
    return await back(request, f"{len(cancelled)} task(s) were cancelled or asked to end.")


@router.post("/{run_id}/rerun", dependencies=[Depends(needs("run"))])
async def rerun(request: Request, run_id: UUID, change: TheChange) -> Response:
    """Does an ended run again."""
    made = await changes.rerun(change, run_id)
    return await back(request, "This run does the other one again.", to=f"runs/{made}")


@router.post("/{run_id}/signal", dependencies=[Depends(needs("run"))])
async def signal(
    request: Request,
    run_id: UUID,
    change: TheChange,
    name: Annotated[str, Form(max_length=200)],
    payload: Annotated[str, Form(max_length=100_000)] = "{}",
) -> Response:
    """Tells agents of a run that what they wait for is there."""
    await changes.signal(change, run_id, name, _object(payload))
    return await back(request, f"The signal {name!r} was sent.")


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"the payload is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidInputError("the payload is no object", hint='It looks like {"ok": true}.')
    return found
