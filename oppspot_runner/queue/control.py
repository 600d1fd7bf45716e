"""Pausing what may be claimed: an agent, a type or an organisation.

Runners are paused in `members`.
"""

from __future__ import annotations

from typing import Literal

from psycopg.rows import DictRow

from oppspot_runner.base.payload import plain_text
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.limits import breakers

ADD = statement("pauses/add")
REMOVE = statement("pauses/remove")
LIST = statement("pauses/list")
IS_KNOWN = statement("pauses/is_known")

Scope = Literal["agent", "type", "org"]


async def pause(database: Database, scope: Scope, key: str, reason: str | None = None) -> bool:
    """From now on nothing of `key` is claimed; whether there is something of that name now.

    `key` is the id of an agent or an organisation as text, or a task_type or agent_type. What runs
    already goes on.
    """
    plain_text(key, f"the {scope}")
    if reason is not None:
        plain_text(reason, "the reason")
    await database.execute(ADD, {"scope": scope, "key": key, "reason": reason})
    return await is_known(database, scope, key)


async def is_known(database: Database, scope: Scope, key: str) -> bool:
    """Whether something has that name now: an agent, an organisation, tasks of a type."""
    row = await database.fetch_one(IS_KNOWN, {"scope": scope, "key": key})
    return row is not None and bool(row["known"])


async def resume(database: Database, scope: Scope, key: str) -> bool:
    """Takes a pause away, and of an agent closes the breaker; False when there was neither."""
    plain_text(key, f"the {scope}")
    was_open = scope == "agent" and await breakers.close(database, key)
    paused = await database.fetch_one(REMOVE, {"scope": scope, "key": key}) is not None
    return was_open or paused


async def pauses(database: Database) -> list[DictRow]:
    """All that is paused now."""
    return await database.fetch_all(LIST)
