"""What people look up about people, and whom they say is not to be approached."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from oppspot_runner.base.errors import InvalidInputError, NotFoundError
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.streams.forgetting import Somebody

KIND_OF = statement("people/kind_of")
LIST = statement("people/list")
SHOW = statement("people/show")
SUPPRESS = statement("people/suppress")
UNSUPPRESS = statement("people/unsuppress")

DOMAIN = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")


async def list_people(
    db: Database,
    *,
    org_id: UUID | None,
    company_id: UUID | None,
    after: tuple[str, bool, str, int] | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """People in office with an organisation's companies, or all of one company, by company.

    `after` is company_name, whether resigned, name and office_id of the last row before.
    """
    company, resigned, name, office = after or (None, None, None, None)
    place = {"after_company": company, "after_resigned": resigned, "after_name": name}
    wanted = {"org_id": org_id, "company_id": company_id, "limit": limit}
    return await db.fetch_all(LIST, {**wanted, **place, "after_id": office})


async def show_somebody(db: Database, somebody: Somebody) -> list[dict[str, Any]]:
    """All rows about one person."""
    values = {"people": list(somebody.people), "contacts": list(somebody.contacts)}
    return await db.fetch_all(SHOW, values)


async def suppress(
    db: Database, what: str, *, org_id: UUID | None, reason: str, by: str | None
) -> bool:
    """Notes that somebody is not to be approached; whether that is new. Raises as `read_what`."""
    kind, value = await read_what(db, what)
    values = {"org_id": org_id, "kind": kind, "value": value, "reason": reason, "by": by}
    return await db.fetch_one(SUPPRESS, values) is not None


async def unsuppress(db: Database, what: str, *, org_id: UUID | None) -> None:
    """Takes that back. Raises NotFoundError where nothing was noted, and as `read_what`."""
    kind, value = await read_what(db, what)
    if await db.fetch_one(UNSUPPRESS, {"org_id": org_id, "kind": kind, "value": value}) is None:
        raise NotFoundError(f"{what} is not suppressed", hint="With --org it is another list.")


async def read_what(db: Database, what: str) -> tuple[str, str]:
    """Which kind of thing is meant: an address, a domain, or the id of a person or company.

    Raises NotFoundError for an id of neither, InvalidInputError for anything else.
    """
    text = what.strip().lower()
    if re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        return "email", text
    if DOMAIN.fullmatch(text):
        return "domain", text
    try:
        asked = UUID(text)
    except ValueError:
        raise InvalidInputError(
            f"{what!r} is no e-mail address, domain or id",
            hint="`people list` and `companies show` tell ids.",
        ) from None
    row = await db.fetch_one(KIND_OF, {"id": asked})
    if row is None:
        raise NotFoundError(f"there is no person and no company {asked}")
    return row["kind"], str(row["id"])
