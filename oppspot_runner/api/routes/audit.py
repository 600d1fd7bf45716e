"""The record of what was changed by HTTP, and by whom."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import Depends
from pydantic import BaseModel, Field

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.paging import Cursor, Limit, Page, page_as, place_after
from oppspot_runner.api.reads import looks
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.values import Shown, Words

router = Routes(prefix="/api/v1/audit", tags=["audit"])


class ChangeBody(BaseModel):
    """A change that somebody made."""

    id: int
    at: datetime
    org_id: UUID | None
    actor: str = Field(description="The name of the token, or `local`.")
    address: str | None
    action: str = Field(description="As `task.retry`.")
    kind: str
    target: str | None
    before: Shown
    after: Shown


@router.get("", dependencies=[Depends(needs("read"))])
async def list_(
    database: Reading,
    actor: Words = None,
    kind: Words = None,
    action: Words = None,
    target: Words = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ChangeBody]:
    """Changes, the newest first: those of your organisation; operators see all."""
    place = place_after(cursor, _number)
    rows = await looks.audit(
        database,
        actor=actor,
        kind=kind,
        action=action,
        target=target,
        before=place[0] if place else None,
        limit=limit + 1,
    )
    return page_as(ChangeBody, rows, limit, lambda row: (row["id"],))


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return number
