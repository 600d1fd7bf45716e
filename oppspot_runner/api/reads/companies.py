"""Companies as people look them up. No endpoint changes one: imports own them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from oppspot_runner.base.payload import uuid_range
from oppspot_runner.companies.domains import registered_domain
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

EXACT = statement("companies/exact")
PAGE = statement("companies/page")

FIRST = ("", UUID(int=0))


async def list_companies(
    database: Database,
    *,
    org_id: UUID | None,
    words: str | None = None,
    after: tuple[str, UUID] | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Companies of everybody and of `org_id` by name; `words` are the begin of it.

    Where `words` are the number, domain or id of a company it is that one alone. `after` is
    `name_norm` and `id` of the last row of the page before.
    """
    if words and after is None:
        exact = {
            "org_id": org_id,
            "id": _whole_id(words),
            "number": words.strip().upper(),
            "domain": registered_domain(words),
            "limit": limit,
        }
        if rows := await database.fetch_all(EXACT, exact):
            return rows
    begin = normalise_name(words) if words else ""
    if words and not begin:
        return []
    after_name, after_id = after or FIRST
    wanted = {"begin": begin, "after_name": after_name, "after_id": after_id}
    return await database.fetch_all(PAGE, {"org_id": org_id, **wanted, "limit": limit})


def _whole_id(words: str) -> UUID | None:
    found = uuid_range(words)
    return found[0] if found is not None and found[0] == found[1] else None
