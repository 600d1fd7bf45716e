"""The companies of a stream with their scores, and why each has its score."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.items import ItemBody, ItemExplained
from oppspot_runner.api.paging import Cursor, Limit, Page, page_as, place_after
from oppspot_runner.api.reads import items
from oppspot_runner.api.routes.streams import stream_of
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.values import Words
from oppspot_runner.companies.scoring_model import Stage
from oppspot_runner.streams.explain import explain

router = Routes(prefix="/api/v1/streams/{stream_id}/items", tags=["stream items"])
MOST_PLACE = Decimal(2**31)


@router.get("", dependencies=[Depends(needs("read"))])
async def list_(
    stream_id: UUID,
    database: Reading,
    by: Annotated[items.Order, Query(description="In the order of place or score.")] = "position",
    priority: Annotated[list[items.Priority] | None, Query(description="One of these.")] = None,
    stage: Annotated[Stage | None, Query(description="How much is known of them.")] = None,
    min_score: Annotated[float | None, Query(ge=0, le=5)] = None,
    words: Words = None,
    with_signals: Annotated[bool, Query(description="Only with one that counts today.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ItemBody]:
    """Companies of a stream with score, priority, stage, reasons and signals.

    `words` are part of a name or domain, or a whole number.
    """
    await stream_of(database, stream_id)
    rows = await items.list_items(
        database,
        stream_id,
        by=by,
        priorities=priority or (),
        stage=stage,
        min_score=min_score,
        words=words,
        with_signals=with_signals,
        after=place_after(cursor, _place, UUID),
        limit=limit + 1,
    )
    return page_as(ItemBody, rows, limit, lambda row: (row["place"], row["company_id"]))


@router.get("/{company_id}", dependencies=[Depends(needs("read"))])
async def show(stream_id: UUID, company_id: UUID, database: Reading) -> ItemExplained:
    """Why a company has its score, what is missing, and what the score would be now."""
    stream = await stream_of(database, stream_id)
    found = await explain(database, stream["org_id"], stream_id, str(company_id))
    stored, again = found.stored, found.again
    return ItemExplained(
        company_id=found.company_id,
        name=found.name,
        quality_score=stored["quality_score"],
        priority=stored["priority"],
        confidence=stored["score_confidence"],
        position=stored["position"],
        reasons=stored["score_reasons"],
        missing=stored["score_missing"],
        changed=stored["score_changed"],
        scored_at=stored["scored_at"],
        stale=found.is_stale,
        now_score=again.value,
        now_priority=again.priority,
        now_reasons=again.reasons,
    )


def _place(text: str) -> Decimal:
    place = Decimal(text)
    if not -MOST_PLACE < place < MOST_PLACE:
        raise ValueError(text)
    return place
