"""The companies of a stream: a page at a time, and why each has its score."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.dashboard.addresses import address
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.paging import Cursor, encode, place_after
from oppspot_runner.api.reads import items
from oppspot_runner.api.routing import Routes
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.fitting import fitting
from oppspot_runner.companies.reasons import Missing, Reason
from oppspot_runner.streams import directory, draft_decisions, signal_decisions
from oppspot_runner.streams.explain import explain

router = Routes(
    prefix="/streams/{stream_id}/companies",
    include_in_schema=False,
    default_response_class=HTMLResponse,
)
MOST_ITEMS = 50
MOST_OF_EACH = 20
PRIORITIES = ("critical", "high", "medium", "low")


@router.get("", dependencies=[Depends(needs("read"))])
async def all_items(
    request: Request,
    stream_id: UUID,
    database: Reading,
    priority: items.Priority | None = None,
    by: items.Order = "position",
    q: Annotated[str | None, Query(max_length=200)] = None,
    signals: bool = False,
    cursor: Cursor = None,
) -> HTMLResponse:
    """Companies of a stream, the best first."""
    stream = await AsyncClient(database).run(directory.get_stream(stream_id))
    rows = await items.list_items(
        database,
        stream_id,
        by=by,
        priorities=[priority] if priority else (),
        words=q or None,
        with_signals=signals,
        after=place_after(cursor, Decimal, UUID),
        limit=MOST_ITEMS + 1,
    )
    here = f"streams/{stream_id}/companies"
    asked: dict[str, Any] = {"q": q, "signals": signals, "by": None if by == "position" else by}
    return page(
        request,
        "stream_companies",
        stream=stream,
        rows=rows[:MOST_ITEMS],
        reasons_of=partial(fitting, Reason),
        counts=await items.count_items(database, stream_id),
        priority=priority,
        asked=asked,
        tabs=[(one, address(here, priority=one, **asked)) for one in (None, *PRIORITIES)],
        next_url=_next(rows, address(here, priority=priority, **asked)),
        first_url=address(here, priority=priority, **asked) if cursor else None,
    )


def _next(rows: list[dict[str, Any]], here: str) -> str | None:
    if len(rows) <= MOST_ITEMS:
        return None
    last = rows[MOST_ITEMS - 1]
    joint = "&" if "?" in here else "?"
    return f"{here}{joint}cursor={encode((last['place'], last['company_id']))}"


@router.get("/{company_id}", dependencies=[Depends(needs("read"))])
async def one(
    request: Request, stream_id: UUID, company_id: UUID, database: Reading
) -> HTMLResponse:
    """A company of a stream: its score explained, its signals and drafts."""
    stream = await AsyncClient(database).run(directory.get_stream(stream_id))
    found = await explain(database, stream["org_id"], stream_id, str(company_id))
    whose: dict[str, Any] = {"company_id": company_id, "limit": MOST_OF_EACH}
    return page(
        request,
        "stream_company",
        stream=stream,
        found=found,
        components=_components(fitting(Reason, found.stored["score_reasons"])),
        missing=fitting(Missing, found.stored["score_missing"]),
        signals=await signal_decisions.list_signals(database, **whose),
        drafts=await draft_decisions.list_drafts(database, stream_id=stream_id, **whose),
    )


def _components(reasons: list[Reason]) -> list[tuple[str, float, list[Reason]]]:
    """The reasons by the part of the score that they belong to, with their points together."""
    parts: dict[str, list[Reason]] = {}
    for reason in reasons:
        parts.setdefault(reason.component or "other", []).append(reason)
    return [
        (name, round(sum(one.points for one in those), 2), those) for name, those in parts.items()
    ]
