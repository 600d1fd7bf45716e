"""Pausing what may be claimed: an agent, a type or an organisation.

Runners are paused in `members`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from psycopg.rows import DictRow

from oppspot_runner.base.payload import plain_text
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

ADD = statement("pauses/add")
REMOVE = statement("pauses/remove")
LIST = statement("pauses/list")

Scope = Literal["agent", "type", "org"]


async def pause(database: Database, scope: Scope, key: str, reason: str | None = None) -> datetime:
    """From now on nothing of `key` is claimed; since when that is so.

    `key` is the id of an agent or an organisation as text, or a task_type or agent_type. What runs
    already goes on.
    """
    plain_text(key, f"the {scope}")
    if reason is not None:
        plain_text(reason, "the reason")
    row = await database.fetch_one(ADD, {"scope": scope, "key": key, "reason": reason})
    assert row is not None
    since: datetime = row["paused_at"]
    return since


async def resume(database: Database, scope: Scope, key: str) -> bool:
    """Takes a pause away; False when there was none."""
    plain_text(key, f"the {scope}")
    return await database.fetch_one(REMOVE, {"scope": scope, "key": key}) is not None


async def pauses(database: Database) -> list[DictRow]:
    """All that is paused now."""
    return await database.fetch_all(LIST)
