"""People in office, and contacts: read only. Whoever is to be forgotten is named to operators."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query

from oppspot_runner.api.access import Reader, Reading, needs
from oppspot_runner.api.bodies.companies import Office, PersonBody
from oppspot_runner.api.paging import Cursor, Limit, Page, page_as, place_after
from oppspot_runner.api.routing import Routes
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.people.person import role_in_words
from oppspot_runner.streams import people_looks
from oppspot_runner.streams.forgetting import find_somebody

router = Routes(prefix="/api/v1/people", tags=["people"])


@router.get("", dependencies=[Depends(needs("read"))])
async def list_(
    database: Reading,
    actor: Reader,
    company_id: Annotated[
        UUID | None, Query(description="All who are or were in office there.")
    ] = None,
    org_id: Annotated[
        UUID | None, Query(description="Whom this organisation knows of, for operators.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Office]:
    """Who is in office at companies on record, by company."""
    rows = await people_looks.list_people(
        database,
        org_id=actor.org_id or org_id,
        company_id=company_id,
        after=place_after(cursor, str, _flag, str, int),
        limit=limit + 1,
    )
    told = [
        {**row, "person_id": row["id"], "role_in_words": role_in_words(row["role"])} for row in rows
    ]
    return page_as(Office, told, limit, _place)


@router.get("/{person_id}", dependencies=[Depends(needs("read"))])
async def show(person_id: UUID, database: Reading) -> PersonBody:
    """All that is on record of a person or a contact."""
    found = await find_somebody(database, str(person_id))
    rows = [row for one in found for row in await people_looks.show_somebody(database, one)]
    if not rows:
        raise NotFoundError(f"there is nobody {person_id}")
    return PersonBody.model_validate({"items": rows})


def _place(row: Any) -> tuple[Any, ...]:
    return (row["company_name"], row["resigned_on"] is not None, row["name"], row["office_id"])


def _flag(text: str) -> bool:
    return bool(("False", "True").index(text))
