"""Notifications: the rules, and how their messages fare."""

from __future__ import annotations

from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.changes import notifications as changes
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard.addresses import address
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.paging import Cursor, encode, place_after
from oppspot_runner.api.routing import Routes
from oppspot_runner.base.redact import redact_url
from oppspot_runner.notifications import directory

router = Routes(
    prefix="/notifications",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
)
MOST_MESSAGES = 50


@router.get("", dependencies=[Depends(needs("read"))])
async def notifications(
    request: Request, database: Reading, rule: UUID | None = None, cursor: Cursor = None
) -> HTMLResponse:
    """All rules, and messages of all or of one of them, the newest first."""
    before = place_after(cursor, UUID)
    rows = await directory.messages(
        database,
        rule_id=rule,
        before=before[0] if before else None,
        limit=MOST_MESSAGES + 1,
    )
    shown, more = rows[:MOST_MESSAGES], rows[MOST_MESSAGES:]
    last = encode([shown[-1]["id"]]) if more else None
    return page(
        request,
        "notifications",
        rules=await directory.rules(database),
        rows=shown,
        rule=rule,
        address_of=redact_url,
        next_url=address("notifications", rule=rule, cursor=last) if last else None,
        first_url=address("notifications", rule=rule) if cursor or rule else None,
    )


@router.post("/{rule_id}/pause", dependencies=[Depends(needs("admin"))])
async def pause(request: Request, rule_id: UUID, change: TheChange) -> Response:
    """Tells nobody by it until it is resumed."""
    rule = await changes.set_active(change, rule_id, False)
    return await back(request, f"The rule {rule['name']} tells nobody until it is resumed.")


@router.post("/{rule_id}/resume", dependencies=[Depends(needs("admin"))])
async def resume(request: Request, rule_id: UUID, change: TheChange) -> Response:
    """Tells people by it again."""
    rule = await changes.set_active(change, rule_id, True)
    return await back(request, f"The rule {rule['name']} tells people again.")
