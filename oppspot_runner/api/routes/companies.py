"""Companies: read only, for imports and agents own them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from oppspot_runner.api.access import Reader, Reading, needs
from oppspot_runner.api.bodies.companies import CompanyBody, CompanySummary
from oppspot_runner.api.bodies.signals import SignalBody
from oppspot_runner.api.paging import Cursor, Limit, Page, id_after, page_as, place_after
from oppspot_runner.api.reads.companies import list_companies
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.values import Words
from oppspot_runner.streams import resolution, signal_decisions

router = Routes(prefix="/api/v1/companies", tags=["companies"])


@router.get("", dependencies=[Depends(needs("read"))])
async def search(
    database: Reading,
    actor: Reader,
    words: Words = None,
    org_id: Annotated[
        UUID | None, Query(description="With those of this organisation, for operators.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CompanySummary]:
    """Companies of everybody and of your organisation, by name.

    `words` are the begin of a name, or a whole number, domain or id.
    """
    rows = await list_companies(
        database,
        org_id=actor.org_id or org_id,
        words=words,
        after=place_after(cursor, str, UUID),
        limit=limit + 1,
    )
    return page_as(CompanySummary, rows, limit, lambda row: (row["name_norm"], row["id"]))


@router.get("/{company_id}", dependencies=[Depends(needs("read"))])
async def show(company_id: UUID, database: Reading) -> CompanyBody:
    """A company with its facts and where they come from, its streams, and what is merged into it.

    It may be one that was merged itself: `merged_into` says into which.
    """
    return CompanyBody.model_validate(await resolution.show(database, company_id))


@router.get("/{company_id}/signals", dependencies=[Depends(needs("read"))])
async def list_signals(
    company_id: UUID, database: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Page[SignalBody]:
    """Signals at a company, the newest first."""
    await resolution.show(database, company_id)
    rows = await signal_decisions.list_signals(
        database, company_id=company_id, before=id_after(cursor), limit=limit + 1
    )
    return page_as(SignalBody, rows, limit, lambda row: [row["id"]])
