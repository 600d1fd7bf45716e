"""One run as it stands, with its agents and what they made: an operation for the clients."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.base.payload import identifier, read_json
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation

LIST = statement("runs/list")
NODES = statement("runs/nodes")
RESULTS = statement("runs/results")


@dataclass(frozen=True)
class RunNode:
    """An agent of a run. `error_message` is also why it was skipped."""

    agent_id: UUID
    agent_name: str | None
    level: int
    status: str
    task_id: UUID | None
    error_message: str | None


@dataclass(frozen=True)
class RunState:
    """A run as it stood when it was read; `results` are the outputs so far, by agent id."""

    id: UUID
    stream_id: UUID | None
    root_agent_id: UUID | None
    status: str
    strategy: str
    max_parallel: int | None
    rerun_of: UUID | None
    created_at: datetime
    finished_at: datetime | None
    nodes: tuple[RunNode, ...]
    results: dict[str, Any]


def get_run(run_id: UUID | str) -> Operation[RunState]:
    """The run as it stands, its agents in the order in which they may start.

    Raises NotFoundError.
    """
    wanted = identifier(run_id, "the run")
    one = {"run_id": wanted, "stream_id": None, "status": None, "before": None, "limit": 1}
    found = yield Call(LIST, one)
    if not found:
        raise NotFoundError(f"there is no run {wanted}", hint="See `oppspot-runner runs list`.")
    rows = yield Call(NODES, {"run_id": wanted})
    results = yield Call(RESULTS, {"run_id": wanted})
    names = [one.name for one in fields(RunState)][:-2]
    return RunState(
        **{name: found[0][name] for name in names},
        nodes=tuple(
            RunNode(**{one.name: row[one.name] for one in fields(RunNode)}) for row in rows
        ),
        results=read_json(results[0]["results"]) if results else {},
    )
