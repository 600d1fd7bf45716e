"""Drafts: people read them and decide. Nothing sends them."""

from __future__ import annotations

from uuid import UUID

from fastapi import Depends

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.drafts import DraftBody, DraftShown, DraftStatus, WhyNot
from oppspot_runner.api.changes import drafts as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.paging import Cursor, Limit, Page, id_after, page_as
from oppspot_runner.api.routing import Routes
from oppspot_runner.drafts.sheet import Channel
from oppspot_runner.streams import draft_decisions

router = Routes(prefix="/api/v1/drafts", tags=["drafts"], route_class=ChangingRoute)


@router.get("", dependencies=[Depends(needs("read"))])
async def list_(
    database: Reading,
    status: DraftStatus | None = None,
    channel: Channel | None = None,
    company_id: UUID | None = None,
    stream_id: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DraftBody]:
    """Drafts, the newest first."""
    rows = await draft_decisions.list_drafts(
        database,
        status=status,
        channel=channel,
        company_id=company_id,
        stream_id=stream_id,
        before=id_after(cursor),
        limit=limit + 1,
    )
    return page_as(DraftBody, rows, limit, lambda row: [row["id"]])


@router.get("/{draft_id}", dependencies=[Depends(needs("read"))])
async def show(draft_id: UUID, database: Reading) -> DraftShown:
    """A draft: its words, what each claim rests on, and what speaks against approving it."""
    return DraftShown.model_validate(await draft_decisions.show(database, draft_id))


@router.post("/{draft_id}/approve", dependencies=[Depends(needs("run"))])
async def approve(draft_id: UUID, change: TheChange) -> DraftShown:
    """Approves a draft, if its facts still hold and nobody asked not to be written to."""
    return DraftShown.model_validate(await changes.decide(change, draft_id, "approved"))


@router.post("/{draft_id}/reject", dependencies=[Depends(needs("run"))])
async def reject(draft_id: UUID, change: TheChange, why: WhyNot | None = None) -> DraftShown:
    """Rejects a draft. Its company is written to again when its facts change."""
    reason = why.reason if why else None
    return DraftShown.model_validate(await changes.decide(change, draft_id, "rejected", reason))


@router.post("/{draft_id}/sent", dependencies=[Depends(needs("run"))])
async def sent(draft_id: UUID, change: TheChange) -> DraftShown:
    """Notes that somebody sent an approved draft, by mail or otherwise."""
    return DraftShown.model_validate(await changes.decide(change, draft_id, "sent_elsewhere"))


@router.post("/{draft_id}/withdraw", dependencies=[Depends(needs("run"))])
async def withdraw(draft_id: UUID, change: TheChange, why: WhyNot | None = None) -> DraftShown:
    """Withdraws a draft. The writer may write to its company again."""
    reason = why.reason if why else None
    return DraftShown.model_validate(await changes.decide(change, draft_id, "withdrawn", reason))
