"""Drafts: what the writer wrote, to be read and decided."""

from __future__ import annotations

from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.drafts import DraftStatus
from oppspot_runner.api.changes import drafts as changes
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard.addresses import address
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.paging import Cursor, encode, place_after
from oppspot_runner.api.routing import Routes
from oppspot_runner.base.fitting import fitting
from oppspot_runner.drafts.sheet import Claim, Fact
from oppspot_runner.streams import draft_decisions

router = Routes(
    prefix="/drafts",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
)
MOST_DRAFTS = 50


@router.get("", dependencies=[Depends(needs("read"))])
async def all_drafts(
    request: Request, database: Reading, status: DraftStatus | None = None, cursor: Cursor = None
) -> HTMLResponse:
    """Drafts, the newest first."""
    before = place_after(cursor, UUID)
    rows = await draft_decisions.list_drafts(
        database,
        status=status,
        before=before[0] if before else None,
        limit=MOST_DRAFTS + 1,
    )
    shown, more = rows[:MOST_DRAFTS], rows[MOST_DRAFTS:]
    last = encode([shown[-1]["id"]]) if more else None
    return page(
        request,
        "drafts",
        rows=shown,
        status=status,
        address=address,
        next_url=address("drafts", status=status, cursor=last) if last else None,
        first_url=address("drafts", status=status) if cursor else None,
    )


@router.get("/{draft_id}", dependencies=[Depends(needs("read"))])
async def one(request: Request, draft_id: UUID, database: Reading) -> HTMLResponse:
    """A draft, with the facts that each of its claims rests on."""
    draft = await draft_decisions.show(database, draft_id)
    claims = fitting(Claim, draft["claims"])
    facts = {fact.id: fact for fact in fitting(Fact, draft["facts"])}
    return page(request, "draft", draft=draft, claims=claims, facts=facts)


@router.post("/{draft_id}/approve", dependencies=[Depends(needs("run"))])
async def approve(request: Request, draft_id: UUID, change: TheChange) -> Response:
    """Says that it may be sent."""
    await changes.decide(change, draft_id, "approved")
    return await back(request, "Approved. Nothing was sent: that is up to you.")


@router.post("/{draft_id}/reject", dependencies=[Depends(needs("run"))])
async def reject(request: Request, draft_id: UUID, change: TheChange) -> Response:
    """Says that it is not to be sent."""
    await changes.decide(change, draft_id, "rejected")
    return await back(request, "Rejected.")


@router.post("/{draft_id}/sent", dependencies=[Depends(needs("run"))])
async def sent(request: Request, draft_id: UUID, change: TheChange) -> Response:
    """Says that somebody sent it."""
    await changes.decide(change, draft_id, "sent_elsewhere")
    return await back(request, "Written down: it was sent.")
