"""What people want to know of tasks and runners; changes nothing. For the command line and HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base.payload import read_json
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.db.prefixes import by_prefix

RUNNERS = statement("runners/list")
WANTED = statement("runners/wanted")
STATS = statement("tasks/stats")
OWN_STATS = statement("tasks/own_stats")
RUNNING = statement("tasks/running")
WAITING = statement("tasks/waiting")
RECENT = statement("tasks/recent")
OVERDUE = statement("tasks/overdue")
LIST = statement("tasks/list")
BY_PREFIX = statement("tasks/by_prefix")
STEPS = statement("tasks/steps")

MOST_RUNNING = 100


@dataclass(frozen=True)
class Backlog:
    """How long the first task that could be taken has waited, and whether anything moves."""

    waiting_s: float
    moving: bool


async def runners(database: Database) -> list[DictRow]:
    """Live runners, and dead ones that still hold tasks."""
    return await database.fetch_all(RUNNERS)


async def wanted_slots(database: Database) -> list[DictRow]:
    """How many slots would begin all ready work within a minute, by task_type and labels."""
    return await database.fetch_all(WANTED)


async def stats(database: Database) -> dict[str, int]:
    """How many tasks there are in each status, and in total."""
    row = await database.fetch_one(STATS)
    assert row is not None
    return dict(row)


async def own_stats(database: Database) -> dict[str, int]:
    """The same for a database that is bound to an organisation."""
    row = await database.fetch_one(OWN_STATS)
    assert row is not None
    return dict(row)


async def running(database: Database, *, limit: int = MOST_RUNNING) -> list[DictRow]:
    """Tasks that are on, the longest running first."""
    return readable(await database.fetch_all(RUNNING, {"limit": limit}), "progress")


async def recent(database: Database, *, limit: int = 10) -> list[DictRow]:
    """Tasks that are not on, those first in which something happened last."""
    return readable(await database.fetch_all(RECENT, {"limit": limit}), "progress")


async def waiting(database: Database) -> dict[str, int]:
    """How many pending tasks wait for an event, or for a time."""
    return {row["kind"]: row["tasks"] for row in await database.fetch_all(WAITING)}


async def backlog(database: Database, *, lately_s: float) -> Backlog:
    """Whether work is left lying; `moving` looks at the last `lately_s` seconds."""
    row = await database.fetch_one(OVERDUE, {"lately_s": lately_s})
    assert row is not None
    return Backlog(row["waiting_s"], row["moving"])


async def list_tasks(
    database: Database,
    *,
    statuses: Sequence[str] = (),
    agent_id: UUID | None = None,
    stream_id: UUID | None = None,
    run_id: UUID | None = None,
    limit_key: str | None = None,
    parent_id: UUID | None = None,
    limit: int = 20,
) -> list[DictRow]:
    """Tasks, the newest first."""
    filters: dict[str, Any] = {
        "statuses": list(statuses) or None,
        "agent_id": agent_id,
        "stream_id": stream_id,
        "run_id": run_id,
        "limit_key": limit_key,
        "parent_id": parent_id,
        "limit": limit,
    }
    return readable(await database.fetch_all(LIST, filters), "progress")


async def find_task(database: Database, text: str) -> UUID:
    """The id of a task by its first characters. Raises NotFoundError or InvalidInputError."""
    return await by_prefix(database, BY_PREFIX, text, "task")


async def steps(database: Database, task_id: UUID) -> list[DictRow]:
    """Finished steps of a task, without their results."""
    return await database.fetch_all(STEPS, {"task_id": task_id})


def readable(rows: list[DictRow], *columns: str) -> list[DictRow]:
    """The same rows with what these columns hold as JSON read."""
    return [{**row, **{name: read_json(row[name]) for name in columns}} for row in rows]
