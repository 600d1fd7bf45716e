"""The same company twice: exact keys merge, what is only alike is suggested, both can be undone.

Companies of different organisations are never merged, and never compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from oppspot_runner.base import payload as checks
from oppspot_runner.base.errors import ConflictError, NotFoundError
from oppspot_runner.companies.domains import registered_domain
from oppspot_runner.companies.duplicates import Named, alike
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.db.refusals import explained

DISMISS = statement("companies/dismiss")
FIND = statement("companies/find")
KEEP = statement("companies/keep_duplicates")
LIST = statement("companies/list_duplicates")
MERGE = statement("companies/merge")
NAMES = statement("companies/names")
PATIENCE = statement("companies/patience")
SAME = statement("companies/same")
SHOW = statement("companies/show")
UNMERGE = statement("companies/unmerge")

NAMES_AT_ONCE = 10_000


async def find_company(db: Database, asked: str, *, org_id: UUID | None = None) -> UUID:
    """The id of a company by its id, or the begin of it, its number, domain or name.

    Raises NotFoundError, or InvalidInputError when several are meant.
    """
    low, high = checks.uuid_range(asked) or (None, None)
    values = {
        "org_id": org_id,
        "low": low,
        "high": high,
        "number": asked.strip().upper(),
        "domain": registered_domain(asked),
        "name_norm": normalise_name(asked) or None,
    }
    rows = await db.fetch_all(FIND, values)
    if not rows:
        raise NotFoundError(
            f"there is no company {asked!r}",
            hint="Give its whole name, its number, domain or id.",
        )
    return checks.only_one([row["id"] for row in rows], f"company {asked}")


async def show(db: Database, company_id: UUID) -> dict[str, Any]:
    """A company with its facts, its streams, and what was merged into it."""
    row = await db.fetch_one(SHOW, {"company_id": company_id})
    if row is None:
        raise NotFoundError(f"there is no company {company_id}")
    return row


async def merge(
    db: Database,
    company_id: UUID,
    into: UUID,
    *,
    reason: str = "by hand",
    merged_by: str | None = None,
) -> UUID:
    """Merges a company into another one: facts and places in streams follow. The id of the merge.

    Raises NotFoundError, InvalidInputError, or ConflictError when they belong to different
    organisations or one is merged already.
    """
    values = {"company_id": company_id, "into": into, "reason": reason, "merged_by": merged_by}
    with explained():
        row = await db.fetch_one(MERGE, values)
    assert row is not None
    merged: UUID = row["id"]
    return merged


async def unmerge(db: Database, company_id: UUID) -> UUID:
    """Takes the merge of a company back; the company that it was merged into.

    Raises NotFoundError when it is not merged, ConflictError when that one was merged afterwards.
    """
    with explained():
        row = await db.fetch_one(UNMERGE, {"company_id": company_id})
    assert row is not None
    kept: UUID = row["id"]
    return kept


async def same(
    db: Database,
    *,
    source: str | None = None,
    since: datetime | None = None,
    org_id: UUID | None = None,
) -> list[dict[str, Any]]:
    """Pairs that are one company by an exact key; with `source` those that it added `since`."""
    wanted = {"source": source, "since": since, "org_id": org_id}
    async with db.transaction() as tx:
        await tx.execute(PATIENCE)
        return await (await tx.execute(SAME, wanted)).fetchall()


async def merge_same(
    db: Database, pairs: Sequence[dict[str, Any]], *, merged_by: str | None = None
) -> int:
    """Merges what `same` found, each in a transaction of its own; how many."""
    merged = 0
    for pair in pairs:
        try:
            await merge(
                db, pair["company_id"], pair["into"], reason=pair["reason"], merged_by=merged_by
            )
        except (ConflictError, NotFoundError):  # somebody was faster, or a pair before this one
            continue
        merged += 1
    return merged


async def look_for_duplicates(db: Database, *, country: str | None = None) -> int:
    """Compares the names of each place and keeps the pairs that are alike; how many.

    Raises ConfigurationError without the package that compares.
    """
    found = 0
    async with db.transaction() as tx, tx.cursor(name="names") as names:
        names.itersize = NAMES_AT_ONCE
        await names.execute(NAMES, {"country": country})
        place: str | None = None
        companies: list[Named] = []
        async for row in names:
            if row["place"] != place:
                found += await _keep(db, companies)
                place, companies = row["place"], []
            companies.append(Named(row["id"], row["name_norm"], row["company_number"]))
        return found + await _keep(db, companies)


async def _keep(db: Database, place: Sequence[Named]) -> int:
    """Keeps the pairs of one place; how many."""
    if len(place) < 2:
        return 0
    pairs = await asyncio.to_thread(lambda: list(alike(place)))
    values = {
        "ones": [pair.one for pair in pairs],
        "others": [pair.other for pair in pairs],
        "likenesses": [pair.likeness for pair in pairs],
    }
    if pairs:
        await db.execute(KEEP, values)
    return len(pairs)


async def duplicates(db: Database, *, limit: int = 100) -> list[dict[str, Any]]:
    """The pairs that were kept and not decided, the most alike first."""
    return await db.fetch_all(LIST, {"limit": limit})


async def dismiss(db: Database, one: UUID, other: UUID) -> None:
    """Remembers that two companies are not the same. They are not suggested again."""
    with explained():
        await db.execute(DISMISS, {"one": one, "other": other})
