"""Companies: looked up by name, number or domain, and one with its facts and who said them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse

from oppspot_runner.api.access import Reader, Reading, needs
from oppspot_runner.api.dashboard.addresses import address
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.paging import Cursor, encode, place_after
from oppspot_runner.api.reads.companies import list_companies
from oppspot_runner.api.routing import Routes
from oppspot_runner.streams import draft_decisions, resolution, signal_decisions

router = Routes(prefix="/companies", include_in_schema=False, default_response_class=HTMLResponse)
MOST_COMPANIES = 50
MOST_OF_EACH = 20
MAIN = ("company_number", "status", "country", "region", "town", "incorporated", "founded_year")
REACHED_BY = ("domain", "website", "linkedin_url", "phone", "email")


@router.get("", dependencies=[Depends(needs("read"))])
async def all_companies(
    request: Request,
    database: Reading,
    actor: Reader,
    q: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    """Companies by name."""
    rows = await list_companies(
        database,
        org_id=actor.org_id,
        words=q or None,
        after=place_after(cursor, str, UUID),
        limit=MOST_COMPANIES + 1,
    )
    shown, more = rows[:MOST_COMPANIES], rows[MOST_COMPANIES:]
    last = encode((shown[-1]["name_norm"], shown[-1]["id"])) if more else None
    return page(
        request,
        "companies",
        rows=shown,
        q=q,
        next_url=address("companies", q=q, cursor=last) if last else None,
        first_url=address("companies", q=q) if cursor else None,
    )


@router.get("/{company_id}", dependencies=[Depends(needs("read"))])
async def one(request: Request, company_id: UUID, database: Reading) -> HTMLResponse:
    """A company."""
    company = await resolution.show(database, company_id)
    whose: dict[str, Any] = {"company_id": company_id, "limit": MOST_OF_EACH}
    return page(
        request,
        "company",
        company=company,
        main=MAIN,
        reached_by=REACHED_BY,
        signals=await signal_decisions.list_signals(database, **whose),
        drafts=await draft_decisions.list_drafts(database, **whose),
    )
