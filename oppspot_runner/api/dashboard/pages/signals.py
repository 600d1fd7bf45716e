"""Signals: what happened at companies, and one with who saw it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.changes import signals as changes
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard.addresses import address
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.paging import Cursor, encode, place_after
from oppspot_runner.api.routing import Routes
from oppspot_runner.signals.merging import Status
from oppspot_runner.streams import signal_decisions

router = Routes(
    prefix="/signals",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
)
MOST_SIGNALS = 50


@router.get("", dependencies=[Depends(needs("read"))])
async def all_signals(
    request: Request,
    database: Reading,
    status: Status | None = None,
    signal_type: Annotated[str | None, Query(max_length=100)] = None,
    stream: UUID | None = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    """Signals, the newest first."""
    before = place_after(cursor, UUID)
    rows = await signal_decisions.list_signals(
        database,
        status=status,
        signal_type=signal_type or None,
        stream_id=stream,
        before=before[0] if before else None,
        limit=MOST_SIGNALS + 1,
    )
    asked = {"status": status, "signal_type": signal_type, "stream": stream}
    shown, more = rows[:MOST_SIGNALS], rows[MOST_SIGNALS:]
    return page(
        request,
        "signals",
        rows=shown,
        status=status,
        signal_type=signal_type,
        tabs=[
            (one, address("signals", **{**asked, "status": one}))
            for one in (None, "active", "unconfirmed", "acted_upon", "false_positive", "expired")
        ],
        next_url=address("signals", **asked, cursor=encode([shown[-1]["id"]])) if more else None,
        first_url=address("signals", **asked) if cursor else None,
    )


@router.get("/{signal_id}", dependencies=[Depends(needs("read"))])
async def one(request: Request, signal_id: UUID, database: Reading) -> HTMLResponse:
    """A signal."""
    return page(request, "signal", signal=await signal_decisions.show(database, signal_id))


@router.post("/{signal_id}/act", dependencies=[Depends(needs("run"))])
async def act(request: Request, signal_id: UUID, change: TheChange) -> Response:
    """Says that somebody acted upon it."""
    await changes.decide(change, signal_id, "acted_upon")
    return await back(request, "Somebody acted upon this.")


@router.post("/{signal_id}/dismiss", dependencies=[Depends(needs("run"))])
async def dismiss(request: Request, signal_id: UUID, change: TheChange) -> Response:
    """Says that it means nothing."""
    await changes.decide(change, signal_id, "false_positive")
    return await back(request, "This means nothing: it counts for no score any more.")
