"""Tasks that failed for good: grouped by what went wrong, put in line again, or discarded.

What concerns many of them goes in chunks, each a transaction of its own, so that no lock is held
for long and an interruption leaves whole chunks behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.base.payload import object_json, plain_text
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database, Params
from oppspot_runner.queue.producer import Payload

GROUPS = statement("dead_letters/groups")
FINGERPRINT = statement("dead_letters/fingerprint")
MATCHING = statement("dead_letters/matching")
REQUEUE = statement("dead_letters/requeue")
DISCARD = statement("dead_letters/discard")
NEED_PEOPLE = statement("dead_letters/need_people")

CHUNK = 500
MOST_REASON = 10_000
MOST_LOOKED_AT = 1_000  # of the newest, for what needs people
# What no later attempt mends, because a key or an account has to be looked at.
OF_PEOPLE = (
    Code.ACCESS_DENIED,
    Code.SOURCE_NOT_CONFIGURED,
    Code.AUTHENTICATION_FAILED,
    Code.API_KEY_MISSING,
    Code.STORED_KEY_UNREADABLE,
    Code.QUOTA_EXCEEDED,
)
OF_A_PAGE = f"{Code.ACCESS_DENIED.name}: web:"  # the owner of the site wants it so
# Somebody took a unique key meanwhile, or locked the nodes of a run in another order.
PASSING = (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected)


@dataclass(frozen=True)
class Filter:
    """Which dead letters are meant; what is None does not matter.

    `type` is a task_type or an agent_type, `error` a part of the message in any case, `fingerprint`
    that of a group, `since` the earliest time of the failure.
    """

    agent_id: UUID | None = None
    type: str | None = None
    org_id: UUID | None = None
    error: str | None = None
    fingerprint: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Changed:
    """How many dead letters matched, and how many of them were changed."""

    matched: int
    changed: int


async def groups(database: Database, wanted: Filter, look: int | None = None) -> list[DictRow]:
    """Dead letters by fingerprint, those first that failed last; `look`: only of the newest."""
    return await database.fetch_all(GROUPS, {**asdict(wanted), "look": look})


async def group_of(database: Database, task_id: UUID) -> DictRow:
    """The group of a dead letter. Raises NotFoundError when the task is none."""
    found = await database.fetch_one(FINGERPRINT, {"task_id": task_id})
    rows = await groups(database, Filter(fingerprint=found["fingerprint"])) if found else []
    if not rows:
        raise NotFoundError(
            f"task {task_id} is no dead letter: it has not failed",
            hint=f"See `oppspot-runner tasks show {task_id}`.",
        )
    return rows[0]


async def matching(
    database: Database, wanted: Filter, *, limit: int, before: UUID | None = None
) -> list[DictRow]:
    """At most `limit` dead letters with ids below `before`, the newest first."""
    rows, _ = await page(database, wanted, limit=limit, before=before)
    return rows


async def page(
    database: Database,
    wanted: Filter,
    *,
    limit: int,
    before: UUID | None = None,
    look: int | None = None,
) -> tuple[list[DictRow], UUID | None]:
    """As `matching`, and after which id to go on; None: there is nothing more.

    At most `look` are looked at, so there may be fewer than `limit`, and still more to come.
    """
    params = {**asdict(wanted), "limit": limit + 1, "before": before, "look": look}
    rows = await database.fetch_all(MATCHING, params)
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1]["id"]
    after = rows[-1]["id"] if rows and rows[-1]["ends_look"] else None
    return [row for row in rows if row["matches"]], after


async def requeue(
    database: Database, ids: Sequence[UUID], payload: Payload | None = None
) -> list[UUID]:
    """Puts failed tasks in line again with all their retries; which of them it did.

    Their finished steps stay known. `payload` replaces that of each. Left out are tasks that are
    not failed (any more) and those whose unique key another open task has.
    """
    text = None if payload is None else object_json(payload)
    return await _change(database, REQUEUE, {"ids": list(ids), "payload": text})


async def discard(database: Database, ids: Sequence[UUID], reason: str) -> list[UUID]:
    """Cancels failed tasks, so that they are deleted after the retention; which of them it did."""
    plain_text(reason, "the reason", most=MOST_REASON)
    return await _change(database, DISCARD, {"ids": list(ids), "reason": reason})


async def requeue_all(database: Database, wanted: Filter) -> Changed:
    """Puts all that match in line again, chunk by chunk."""
    return await _in_chunks(database, wanted, REQUEUE, {"payload": None})


async def discard_all(database: Database, wanted: Filter, reason: str) -> Changed:
    """Cancels all that match, chunk by chunk."""
    plain_text(reason, "the reason", most=MOST_REASON)
    return await _in_chunks(database, wanted, DISCARD, {"reason": reason})


async def _in_chunks(
    database: Database, wanted: Filter, query: LiteralString, params: dict[str, str | None]
) -> Changed:
    matched = changed = 0
    before: UUID | None = None
    while rows := await matching(database, wanted, limit=CHUNK, before=before):
        ids = [row["id"] for row in rows]
        changed += len(await _change(database, query, {**params, "ids": ids}))
        matched, before = matched + len(ids), ids[-1]
    return Changed(matched, changed)


async def _change(database: Database, query: LiteralString, params: Params) -> list[UUID]:
    persistently = AsyncRetrying(
        retry=retry_if_exception_type(PASSING),
        stop=stop_after_attempt(5),
        wait=wait_random(0.01, 0.2),
        reraise=True,
    )
    rows: list[DictRow] = await persistently(partial(_at_once, database, query, params))
    return [row["id"] for row in rows]


async def _at_once(database: Database, query: LiteralString, params: Params) -> list[DictRow]:
    # In the transaction of somebody else this is a savepoint, so that a new try finds it usable.
    async with database.transaction() as connection:
        return await (await connection.execute(query, params)).fetchall()


async def agents_in_need(database: Database) -> list[DictRow]:
    """Agents with failed tasks that wait for somebody to mend what they met, those of now first."""
    params = {
        "codes": [code.name for code in OF_PEOPLE],
        "pages": OF_A_PAGE,
        "most": MOST_LOOKED_AT,
    }
    return await database.fetch_all(NEED_PEOPLE, params)
