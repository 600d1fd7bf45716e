"""Buying signals: what agents saw at companies, and what people say became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.signals import SignalBody, SignalShown
from oppspot_runner.api.changes import signals as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.paging import Cursor, Limit, Page, id_after, page_as
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.values import Words
from oppspot_runner.signals.merging import Status
from oppspot_runner.streams import signal_decisions

router = Routes(prefix="/api/v1/signals", tags=["signals"], route_class=ChangingRoute)
MOST_DAYS = 36_500


@router.get("", dependencies=[Depends(needs("read"))])
async def list_(
    database: Reading,
    company_id: UUID | None = None,
    stream_id: Annotated[UUID | None, Query(description="At companies of this stream.")] = None,
    signal_type: Words = None,
    status: Status | None = None,
    days: Annotated[
        float | None, Query(gt=0, le=MOST_DAYS, description="First seen within so many days.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SignalBody]:
    """Signals, the newest first."""
    rows = await signal_decisions.list_signals(
        database,
        company_id=company_id,
        stream_id=stream_id,
        signal_type=signal_type,
        status=status,
        since=None if days is None else timedelta(days=days),
        before=id_after(cursor),
        limit=limit + 1,
    )
    return page_as(SignalBody, rows, limit, lambda row: [row["id"]])


@router.get("/{signal_id}", dependencies=[Depends(needs("read"))])
async def show(signal_id: UUID, database: Reading) -> SignalShown:
    """A signal: who tells of it, since when, and what it is worth in a score today."""
    return SignalShown.model_validate(await signal_decisions.show(database, signal_id))


@router.post("/{signal_id}/act", dependencies=[Depends(needs("run"))])
async def act(signal_id: UUID, change: TheChange) -> SignalShown:
    """Says that somebody acted upon a signal. It goes on counting until it expires."""
    return SignalShown.model_validate(await changes.decide(change, signal_id, "acted_upon"))


@router.post("/{signal_id}/dismiss", dependencies=[Depends(needs("run"))])
async def dismiss(signal_id: UUID, change: TheChange) -> SignalShown:
    """Says that a signal is false. It counts no more, and is not new when it is seen again."""
    return SignalShown.model_validate(await changes.decide(change, signal_id, "false_positive"))
