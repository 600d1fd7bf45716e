"""Runs for people: to start, to look at, to approve, to do again and to cancel.

How runs proceed is in `chain`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.base.pace import Strategy, pace
from oppspot_runner.base.payload import (
    identifier,
    object_json,
    plain_text,
    read_json,
    whole_number,
)
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation, Rows
from oppspot_runner.db.pool import Database
from oppspot_runner.db.prefixes import by_prefix
from oppspot_runner.db.sending import starts_run

LIST = statement("runs/list")
NODES = statement("runs/nodes")
BY_PREFIX = statement("runs/by_prefix")
RESULTS = statement("runs/results")
RUN_GRAPH = statement("runs/run_graph")
APPROVE = statement("runs/approve")
RERUN = statement("runs/rerun")
CANCEL = statement("runs/cancel")
OPEN_TASKS = statement("runs/open_tasks")
SIGNAL = statement("runs/signal")

MOST_SIGNAL_NAME = 200


async def list_runs(
    database: Database,
    *,
    run_id: UUID | None = None,
    stream_id: UUID | None = None,
    status: str | None = None,
    before: UUID | None = None,
    limit: int = 20,
) -> list[DictRow]:
    """Runs, the newest first; with ids below `before`."""
    filters: dict[str, Any] = {
        "run_id": run_id,
        "stream_id": stream_id,
        "status": status,
        "before": before,
        "limit": limit,
    }
    return await database.fetch_all(LIST, filters)


async def find_run(database: Database, text: str) -> UUID:
    """The id of a run by its first characters. Raises NotFoundError or InvalidInputError."""
    return await by_prefix(database, BY_PREFIX, text, "run")


async def get_run(database: Database, run_id: UUID) -> DictRow:
    """One run. Raises NotFoundError."""
    rows = await list_runs(database, run_id=run_id, limit=1)
    if not rows:
        raise NotFoundError(f"there is no run {run_id}", hint="See `oppspot-runner runs list`.")
    return rows[0]


async def nodes(database: Database, run_id: UUID) -> list[DictRow]:
    """The agents of a run in the order in which they may start."""
    rows = await database.fetch_all(NODES, {"run_id": run_id})
    return [{**row, "progress": read_json(row["progress"])} for row in rows]


async def results(database: Database, run_id: UUID) -> Any:
    """What the agents of a run made, by their ids."""
    row = await database.fetch_one(RESULTS, {"run_id": run_id})
    return read_json(row["results"]) if row else {}


async def open_tasks(database: Database, run_id: UUID, tasks: Sequence[UUID]) -> tuple[str, int]:
    """The status of a run and how many of these of its tasks are open. Raises NotFoundError."""
    row = await database.fetch_one(OPEN_TASKS, {"run_id": run_id, "tasks": list(tasks)})
    if row is None:
        raise NotFoundError(f"there is no run {run_id}", hint="See `oppspot-runner runs list`.")
    return row["status"], row["open_tasks"]


def signal_run(
    run_id: UUID | str, name: str, payload: Mapping[str, Any] | None = None
) -> Operation[UUID]:
    """Sends a signal to a run that is on; the id of its row in run_signals.

    The first agent that waits for `name` gets it, now or later. Raises NotFoundError, and
    ConflictError when the run has ended.
    """
    (row,) = yield Call(
        SIGNAL,
        {
            "run_id": identifier(run_id, "the run id"),
            "name": plain_text(name, "the name of the signal", most=MOST_SIGNAL_NAME),
            "payload": object_json({} if payload is None else payload),
        },
    )
    made: UUID = row["id"]
    return made


@starts_run
def run_graph(
    root: UUID | str,
    payload: Mapping[str, Any] | None = None,
    *,
    strategy: Strategy = "event",
    max_parallel: int | None = None,
    priority: int = 5,
    requested_by: str | None = None,
) -> Operation[UUID]:
    """Starts an agent, and then those below it by `parent_id`; the id of the run.

    `root` (id, name or type) gets `payload`, each other one what its parent made. `strategy` and
    `max_parallel` are those of `run_stream`. Raises NotFoundError, CycleError, InvalidInputError,
    and ConflictError for an inactive agent.
    """
    params = {
        "root": str(root),
        "payload": object_json(payload or {}),
        "priority": whole_number(priority, "the priority", least=1, most=10),
        "requested_by": None if requested_by is None else plain_text(requested_by, "requested_by"),
        **pace(strategy, max_parallel),
    }
    (row,) = yield Call(RUN_GRAPH, params)
    run: UUID = row["id"]
    return run


def approve_run(run_id: UUID | str, agent: UUID | str | None = None) -> Operation[int]:
    """Lets agents of a run start that wait for an approval: that one, or all; how many.

    `agent` is an id, a name or a type. Raises NotFoundError.
    """
    params = {
        "run_id": identifier(run_id, "the run"),
        "agent": None if agent is None else str(agent),
    }
    (row,) = yield Call(APPROVE, params)
    approved: int = row["approved"]
    return approved


def rerun_run(
    run_id: UUID | str, from_agent: UUID | str | None = None, *, requested_by: str | None = None
) -> Operation[UUID]:
    """Does an ended run again, in a run of its own; the id of that.

    With `from_agent` (id, name or type) only that agent runs again, all below it, and what did not
    complete; the outputs of the others are taken over. Raises NotFoundError, and ConflictError
    while it is on.
    """
    params = {
        "run_id": identifier(run_id, "the run"),
        "from_agent": None if from_agent is None else str(from_agent),
        "requested_by": None if requested_by is None else plain_text(requested_by, "requested_by"),
    }
    (row,) = yield Call(RERUN, params)
    run: UUID = row["id"]
    return run


def cancel_run(
    run_id: UUID | str, reason: str | None = None, *, agent: UUID | str | None = None
) -> Operation[Rows]:
    """Cancels a run, or an agent of it with all below; the tasks concerned, with their old status.

    What waits ends at once, what runs is asked to; nothing starts because of it. `agent` is an id,
    a name or a type. Raises NotFoundError.
    """
    params = {
        "run_id": identifier(run_id, "the run"),
        "reason": None if reason is None else plain_text(reason, "the reason", most=10_000),
        "agent": None if agent is None else str(agent),
    }
    return (yield Call(CANCEL, params))
