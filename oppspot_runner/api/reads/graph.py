"""Graphs of agents to be drawn: what a run of a stream would do, and how a run stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, ValidationError

from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.payload import read_json
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import read
from oppspot_runner.streams import assignments
from oppspot_runner.workflow.plan import known_types, plan, terms

GRAPH = statement("runs/graph")
AS_READ = (
    "agent_id",
    "agent_type",
    "level",
    "task_id",
    "retry_count",
    "max_retries",
    "error",
    "cancel_requested",
    "approve_by",
    "due_at",
    "waits_for",
    "wait_until",
    "finished_at",
)
NOT_OF_RUNS = dict.fromkeys(("execution_frequency", "schedule_options", "max_parallel"))

# The first two are those of a plan; `pending` and `processing` those of a task that is on.
NodeStatus = Literal[
    "planned",
    "left_out",
    "waiting",
    "awaiting_approval",
    "ready",
    "pending",
    "processing",
    "completed",
    "failed",
    "skipped",
    "cancelled",
]


class NodeAttempt(BaseModel):
    """One attempt of an agent of a run."""

    attempt: int | None
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None


class NodeProgress(BaseModel):
    """How far an agent says that it is."""

    done: int | float
    total: int | float | None
    message: str | None


class Node(BaseModel):
    """An agent at its place. `notes` say what holds it back, `faults` why it could not run.

    `level` is None for one that runs leave out. `due_at` is when a task that waits for its next
    attempt or its time is due, `wait_until` when it stops waiting for `waits_for`. `attempts` are
    at most the last 20, the first of them first.
    """

    agent_id: UUID
    name: str
    agent_type: str | None
    level: int | None
    status: NodeStatus
    notes: list[str]
    faults: list[str] = []
    task_id: UUID | None = None
    retry_count: int | None = None
    max_retries: int | None = None
    attempts: list[NodeAttempt] = []
    progress: NodeProgress | None = None
    error: str | None = None
    cancel_requested: bool = False
    approve_by: datetime | None = None
    due_at: datetime | None = None
    waits_for: str | None = None
    wait_until: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class Edge(BaseModel):
    """`target` depends on `source`; it does not wait for one that runs leave out."""

    source: UUID
    target: UUID
    waits: bool


class Graph(BaseModel):
    """Agents by levels, from above, and what each depends on.

    `cycle` names agents that wait for each other, the first one again at the end: no run can start.
    """

    nodes: list[Node]
    edges: list[Edge]
    levels: list[list[UUID]] = Field(description="Agents that may start together, by level.")
    cycle: list[str] = []


async def stream_graph(database: Database, stream_id: UUID) -> Graph:
    """What a run of a stream would do, as its assignments say. Starts nothing."""
    rows = await AsyncClient(database).run(assignments.list_assignments(stream_id))
    found = plan(rows, known_types(await read.runners(database)))
    nodes = [
        Node(
            agent_id=one.agent_id,
            name=one.name,
            agent_type=one.agent_type,
            level=one.level,
            status="left_out" if one.level is None and not found.cycle else "planned",
            notes=list(one.notes),
            faults=list(one.faults),
        )
        for one in found.agents
    ]
    wanted = {row["agent_id"]: row["depends_on_agent_ids"] for row in rows}
    return Graph(
        nodes=nodes,
        edges=_edges(nodes, wanted),
        levels=_levels(nodes),
        cycle=list(found.cycle),
    )


async def run_graph(database: Database, run_id: UUID) -> Graph:
    """How the agents of a run stand. Empty for a run that there is not."""
    rows = await database.fetch_all(GRAPH, {"run_id": run_id})
    nodes = [_node(row) for row in rows]
    wanted = {row["agent_id"]: row["depends_on"] for row in rows}
    return Graph(nodes=nodes, edges=_edges(nodes, wanted), levels=_levels(nodes))


def _node(row: Mapping[str, Any]) -> Node:
    attempts = [NodeAttempt.model_validate(one) for one in row["attempts"]]
    on = row["status"] == "queued"
    return Node(
        **{name: row[name] for name in AS_READ},
        name=str(row["agent_name"] or row["agent_id"]),
        status=(row["task_status"] or "pending") if on else row["status"],
        notes=list(terms({**NOT_OF_RUNS, **row})),
        attempts=attempts,
        progress=_progress(read_json(row["progress"])),
        started_at=next((one.started_at for one in attempts if one.started_at), None),
    )


def _progress(told: Any) -> NodeProgress | None:
    """What an agent told; None for what somebody else wrote there."""
    try:
        return NodeProgress.model_validate(told)
    except ValidationError:
        return None


def _edges(nodes: Sequence[Node], wanted: Mapping[UUID, Iterable[UUID]]) -> list[Edge]:
    out = {one.agent_id for one in nodes if one.status == "left_out"}
    return [
        Edge(source=source, target=target, waits=not {source, target} & out)
        for target, sources in wanted.items()
        for source in sources
        if source in wanted
    ]


def _levels(nodes: Sequence[Node]) -> list[list[UUID]]:
    placed = [one for one in nodes if one.level is not None]
    return [
        [one.agent_id for one in level] for _, level in groupby(placed, key=lambda one: one.level)
    ]
