"""Signals as people read and decide them, and how long they are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.db.prefixes import by_prefix

BY_PREFIX = statement("signals/by_prefix")
DECIDE = statement("signals/decide")
LIST = statement("signals/list")
PRUNE = statement("signals/prune")
SHOW = statement("signals/show")


async def find_signal(db: Database, asked: str) -> UUID:
    """The id of a signal by its first characters. Raises NotFoundError or InvalidInputError."""
    return await by_prefix(db, BY_PREFIX, asked, "signal")


async def list_signals(
    db: Database,
    *,
    company_id: UUID | None = None,
    stream_id: UUID | None = None,
    signal_type: str | None = None,
    status: str | None = None,
    since: timedelta | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """Signals, the newest first; None for any. `since` is how long ago they were first seen at
    most, `before` the last one of the page before."""
    wanted = {
        "company_id": company_id,
        "stream_id": stream_id,
        "signal_type": signal_type,
        "status": status,
        "since": since,
        "before": before,
        "limit": limit,
    }
    return await db.fetch_all(LIST, wanted)


async def show(db: Database, signal_id: UUID) -> dict[str, Any]:
    """All of a signal, with its `sightings` and what it is worth today (`effect`)."""
    row = await db.fetch_one(SHOW, {"signal_id": signal_id})
    if row is None:
        raise NotFoundError(f"there is no signal {signal_id}")
    return row


async def decide(db: Database, signal_id: UUID, status: str, *, decided_by: str) -> dict[str, Any]:
    """Says that a signal was acted upon (`acted_upon`), or means nothing (`false_positive`).

    Raises NotFoundError when it is gone.
    """
    values = {"signal_id": signal_id, "status": status, "decided_by": decided_by}
    row = await db.fetch_one(DECIDE, values)
    if row is None:
        raise NotFoundError(f"there is no signal {signal_id}")
    return row


async def prune_signals(connection: Connection, *, keep_s: float) -> int:
    """Deletes some signals and jobs that ended more than `keep_s` seconds ago; how many."""
    row = await (await connection.execute(PRUNE, {"keep_s": keep_s})).fetchone()
    return int(row["n"]) if row else 0
