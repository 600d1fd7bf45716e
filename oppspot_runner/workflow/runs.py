"""Runs of streams for people to look at, and to cancel. How runs proceed is in `chain`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.base.payload import plain_text, read_json
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation, Rows
from oppspot_runner.db.pool import Database
from oppspot_runner.queue.read import by_prefix

LIST = statement("runs/list")
NODES = statement("runs/nodes")
BY_PREFIX = statement("runs/by_prefix")
CANCEL_TASKS = statement("runs/cancel_tasks")
OPEN_TASKS = statement("runs/open_tasks")


async def list_runs(
    database: Database,
    *,
    run_id: UUID | None = None,
    stream_id: UUID | None = None,
    status: str | None = None,
    limit: int = 20,
) -> list[DictRow]:
    """Runs, the newest first."""
    filters: dict[str, Any] = {
        "run_id": run_id,
        "stream_id": stream_id,
        "status": status,
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


async def open_tasks(database: Database, run_id: UUID) -> tuple[str, int]:
    """The status of a run and how many of its tasks wait or run. Raises NotFoundError."""
    row = await database.fetch_one(OPEN_TASKS, {"run_id": run_id})
    if row is None:
        raise NotFoundError(f"there is no run {run_id}", hint="See `oppspot-runner runs list`.")
    return row["status"], row["open_tasks"]


def cancel_open_tasks(run_id: UUID, reason: str | None = None) -> Operation[Rows]:
    """Cancels what waits and asks the runners of what runs; those tasks with their old status.

    A task that completes all the same starts what depends on it: ask again until none is open.
    """
    if reason is not None:
        plain_text(reason, "the reason", most=10_000)
    return (yield Call(CANCEL_TASKS, {"run_id": run_id, "reason": reason}))
