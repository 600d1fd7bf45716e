"""Signals as people read and decide them, and how long they are kept."""

from __future__ import annotations

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


async def list_signals(db: Database, **wanted: Any) -> list[dict[str, Any]]:
    """Signals by company_id, stream_id, signal_type and status, and those that were seen first
    within the length of time `since`; None for any. At most `limit`, the newest first."""
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
