"""How agents, schedules and costs stand, as pages show it: each look is at few rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

PERFORMANCE = statement("agents/performance")
STREAMS = statement("agents/streams")
HISTORY = statement("schedules/history")
BREAKDOWN = statement("money/breakdown")
AUDIT = statement("access/browse_audit")

MOST_TASKS = 10_000
MOST_TICKS = 24
MOST_DAYS = 100


async def performance(database: Database) -> dict[UUID | None, DictRow]:
    """How agents fared in the newest MOST_TASKS tasks; nothing of those that are not among them."""
    rows = await database.fetch_all(PERFORMANCE, {"look": MOST_TASKS})
    return {row["agent_id"]: row for row in rows}


async def streams_of(database: Database, agent_id: UUID) -> list[DictRow]:
    """The streams that an agent works for."""
    return await database.fetch_all(STREAMS, {"agent_id": agent_id})


async def history(database: Database, schedules: Sequence[UUID]) -> dict[UUID, list[DictRow]]:
    """The last MOST_TICKS due times of each schedule, the oldest first."""
    found: dict[UUID, list[DictRow]] = {one: [] for one in schedules}
    for row in await database.fetch_all(HISTORY, {"ids": list(schedules), "most": MOST_TICKS}):
        found[row["schedule_id"]].append(row)
    return found


async def breakdown(database: Database, first: date) -> dict[str, list[DictRow]]:
    """What calls of models cost, by `day`, `model`, `agent`, `stream` and of `all`.

    `first` is the first day of them, of UTC as all days of costs.
    """
    found: dict[str, list[DictRow]] = {}
    for row in await database.fetch_all(BREAKDOWN, {"first": first, "most": MOST_DAYS}):
        found.setdefault(row["by"], []).append(row)
    return found


async def audit(
    database: Database,
    *,
    actor: str | None = None,
    kind: str | None = None,
    action: str | None = None,
    target: str | None = None,
    before: int | None = None,
    limit: int,
) -> list[DictRow]:
    """Changes, the newest first; None for any. `before` is the last one of the page before."""
    wanted = {"actor": actor, "kind": kind, "action": action, "target": target}
    return await database.fetch_all(AUDIT, {**wanted, "before": before, "limit": limit})
