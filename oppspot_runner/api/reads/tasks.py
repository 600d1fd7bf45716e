"""Tasks that match a filter: pages of them, how many of which kind, and their ids for bulk actions.

Whatever is asked, a bounded number of tasks is looked at, so an answer may have fewer tasks than
were wanted, or none, and still say where to go on. A text is looked for in fewer than the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql
from psycopg.rows import DictRow

from oppspot_runner.api.reads.looking import portion
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.payload import read_json, uuid_range
from oppspot_runner.base.redact import redact
from oppspot_runner.base.task import TaskStatus
from oppspot_runner.db.acting import BoundDatabase
from oppspot_runner.db.files import statement
from oppspot_runner.workflow.run_events import checked_after

BROWSE = statement("tasks/browse")
NEWEST = statement("tasks/newest")
FACETS = statement("tasks/facets")
AGENTS_MEANT = statement("tasks/agents_meant")
BY_PREFIX = statement("tasks/by_prefix")
EVENTS = statement("tasks/events")

MOST_LOOKED_AT = 50_000
MOST_SEARCHED = 10_000  # where a text is looked for
MOST_PAYLOAD_BYTES = 8_192  # as stored; larger ones are not searched
MOST_VALUES = 20  # of each facet
# Statuses whose tasks an index finds.
INDEXED: frozenset[TaskStatus] = frozenset(("failed", "processing"))
# Columns with what people or agents wrote; the others are ids, states, numbers and times.
WRITTEN = ("agent_name", "error_message", "requested_by", "unique_key", "limit_key", "waits_for")
# What a payload holds under such a name nobody may find out by searching for it.
NOT_SEARCHED = 'api[_-]?key|authorization|passw|secret|token"|_token|credential|cookie|dsn'


@dataclass(frozen=True)
class TaskFilter:
    """Which tasks are meant; what is None or empty does not matter.

    `runner_id` is that of a runner on which they are now. `text` is the beginning of an id, else a
    part of the agent's name, of the error or of the payload, in any case. Times: from `after` on,
    and earlier than `before`.
    """

    statuses: tuple[TaskStatus, ...] = ()
    task_type: str | None = None
    agent_id: UUID | None = None
    agent_type: str | None = None
    stream_id: UUID | None = None
    run_id: UUID | None = None
    runner_id: int | None = None
    org_id: UUID | None = None
    requested_by: str | None = None
    parent_id: UUID | None = None
    limit_key: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None
    text: str | None = None


@dataclass(frozen=True)
class Found:
    """Some tasks, the newest first; their ids are text. Go on after `next`; None: there is nothing
    more."""

    rows: list[DictRow]
    next: UUID | None


@dataclass(frozen=True)
class FacetValue:
    """How many tasks have a value; `name` is what people call it."""

    value: str
    name: str
    tasks: int


@dataclass(frozen=True)
class Facets:
    """Values that occur, the most frequent first, by `status`, `task_type`, `agent`, `stream`.

    Each is counted without its own filter. `complete` is false when only the newest `looked_at`
    tasks were looked at: the numbers are then least ones, to be shown as "more than".
    """

    values: dict[str, list[FacetValue]]
    looked_at: int
    complete: bool


async def browse(
    database: BoundDatabase, wanted: TaskFilter, *, limit: int, before: UUID | None = None
) -> Found:
    """At most `limit` tasks with ids below `before`, the newest first, without secrets."""
    if wanted == TaskFilter() and before is None and database.actor.is_operator:
        # Times in binary are quicker to read; ids as text, to be written.
        rows = await (await database.bound.execute(_newest(limit + 1), binary=True)).fetchall()
    else:
        rows = await _browse(database, wanted, limit, before)
    shown, after = portion(rows, limit)
    return Found(_readable(shown), UUID(after) if after else None)


@cache
def _newest(limit: int) -> bytes:
    return sql.SQL(NEWEST).format(limit=sql.Literal(limit)).as_bytes()


async def _browse(
    database: BoundDatabase, wanted: TaskFilter, limit: int, before: UUID | None
) -> list[DictRow]:
    look = _look(wanted)
    only = wanted.statuses[0] if len(wanted.statuses) == 1 else None
    params = {
        **await _params(database, wanted),
        "only": only if only in INDEXED else None,
        "before": before,
        "limit": limit + 1,
        "look": look,
    }
    return await _fetch(database, BROWSE, params)


async def matching(
    database: BoundDatabase, wanted: TaskFilter, *, limit: int, before: UUID | None = None
) -> tuple[list[UUID], UUID | None]:
    """Ids of at most `limit` tasks, and after which to go on, as `browse` finds them."""
    found = await browse(database, wanted, limit=limit, before=before)
    return [UUID(row["id"]) for row in found.rows], found.next


async def facets(database: BoundDatabase, wanted: TaskFilter) -> Facets:
    """Which values occur among the newest tasks that match, and how often."""
    look = _look(wanted)
    params = {**await _params(database, wanted), "look": look, "most_values": MOST_VALUES}
    values: dict[str, list[FacetValue]] = {
        kind: [] for kind in ("status", "task_type", "agent", "stream")
    }
    looked_at = 0
    for row in await _fetch(database, FACETS, params):
        if row["kind"] == "looked":
            looked_at = row["tasks"]
        else:
            values[row["kind"]].append(FacetValue(row["value"], row["name"], row["tasks"]))
    return Facets(values, looked_at, looked_at < look)


async def events(
    database: BoundDatabase, task_id: UUID, *, attempt: int | None, after: int, limit: int
) -> list[DictRow]:
    """What a task said in its run after event `after`, in order. Raises NotFoundError."""
    await AsyncClient(database).get(task_id)
    params = {"task_id": task_id, "attempt": attempt, "after": checked_after(after), "limit": limit}
    rows = await database.fetch_all(EVENTS, params)
    return [{**row, "data": read_json(row["data"])} for row in rows]


def _look(wanted: TaskFilter) -> int:
    return MOST_SEARCHED if wanted.text else MOST_LOOKED_AT


async def _params(database: BoundDatabase, wanted: TaskFilter) -> dict[str, Any]:
    names = ("task_type", "stream_id", "run_id", "runner_id", "requested_by", "parent_id")
    times = ("created_after", "created_before", "finished_after", "finished_before")
    params = {name: getattr(wanted, name) for name in (*names, "limit_key", *times)}
    bounds = await _bounds(database, wanted.text)
    text = wanted.text.lower() if wanted.text and bounds is None else None
    meant, named = await _agents(database, wanted, text)
    low, high = bounds or (None, None)
    return {
        **params,
        # Policies see to it that nobody finds more; the planner knows better what to do with it.
        "org_id": wanted.org_id or database.actor.org_id,
        "statuses": list(wanted.statuses) or None,
        "agents": meant,
        "named": named,
        "text": text,
        "low": low,
        "high": high,
        "most_payload": MOST_PAYLOAD_BYTES,
        "secret": NOT_SEARCHED,
    }


async def _bounds(database: BoundDatabase, text: str | None) -> tuple[UUID, UUID] | None:
    """The range of ids that begin with `text`, if there are any."""
    bounds = uuid_range(text) if text else None
    if bounds is None:
        return None
    rows = await database.fetch_all(BY_PREFIX, {"low": bounds[0], "high": bounds[1]})
    return bounds if rows else None


async def _agents(
    database: BoundDatabase, wanted: TaskFilter, text: str | None
) -> tuple[list[UUID] | None, list[UUID]]:
    """The agents that are meant, None for any, and those with `text` in their names."""
    of_some = wanted.agent_id is not None or wanted.agent_type is not None
    if not of_some and text is None:
        return None, []
    params = {"agent_id": wanted.agent_id, "agent_type": wanted.agent_type, "text": text}
    row = await database.fetch_one(AGENTS_MEANT, params)
    assert row is not None
    return row["meant"] if of_some else None, row["named"]


async def _fetch(
    database: BoundDatabase, query: LiteralString, params: dict[str, Any]
) -> list[DictRow]:
    # Never prepared: a plan for all filters would use no index for any of them.
    return await (await database.bound.execute(query, params, prepare=False)).fetchall()


def _readable(rows: list[DictRow]) -> list[DictRow]:
    for row in rows:
        for name in WRITTEN:
            if row[name]:
                row[name] = redact(row[name])
        if row["progress"]:
            row["progress"] = redact(read_json(row["progress"]))
    return rows
