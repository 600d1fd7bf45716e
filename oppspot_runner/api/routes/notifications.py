"""Notifications: messages and how they fare; rules that say who is told of what."""

from __future__ import annotations

from uuid import UUID

from fastapi import Depends, Request

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.notifications import (
    MessageBody,
    NewRuleBody,
    RuleBody,
    Rules,
    TestSent,
)
from oppspot_runner.api.changes import notifications as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.paging import Cursor, Limit, Page, id_after, page_as
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import state_of
from oppspot_runner.notifications import directory

router = Routes(prefix="/api/v1/notifications", tags=["notifications"], route_class=ChangingRoute)


@router.get("", dependencies=[Depends(needs("read"))])
async def list_(
    database: Reading, rule_id: UUID | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[MessageBody]:
    """Messages with how many events each tells of, and whether it was delivered."""
    before = id_after(cursor)
    rows = await directory.messages(database, rule_id=rule_id, before=before, limit=limit + 1)
    return page_as(MessageBody, rows, limit, lambda row: [row["id"]])


@router.get("/rules", dependencies=[Depends(needs("read"))])
async def list_rules(database: Reading) -> Rules:
    """Rules, with what they have gathered and could not deliver."""
    return Rules.model_validate({"items": await directory.rules(database)})


@router.post("/rules", dependencies=[Depends(needs("admin"))])
async def add(wanted: NewRuleBody, change: TheChange) -> RuleBody:
    """Adds a rule: of which event who is told, and by which channel."""
    return RuleBody.model_validate(await changes.add(change, wanted))


@router.delete("/rules/{rule_id}", status_code=204, dependencies=[Depends(needs("admin"))])
async def remove(rule_id: UUID, change: TheChange) -> None:
    """Removes a rule, with what it has gathered."""
    await changes.remove(change, rule_id)


@router.post("/rules/{rule_id}/pause", dependencies=[Depends(needs("admin"))])
async def pause(rule_id: UUID, change: TheChange) -> RuleBody:
    """Lets a rule gather and send nothing until it is resumed."""
    return RuleBody.model_validate(await changes.set_active(change, rule_id, False))


@router.post("/rules/{rule_id}/resume", dependencies=[Depends(needs("admin"))])
async def resume(rule_id: UUID, change: TheChange) -> RuleBody:
    """Ends the pause of a rule."""
    return RuleBody.model_validate(await changes.set_active(change, rule_id, True))


@router.post("/rules/{rule_id}/test", dependencies=[Depends(needs("admin"))])
async def test(rule_id: UUID, change: TheChange, request: Request) -> TestSent:
    """Sends one message of a rule now, from the server, which says that it is a test."""
    name, told = await changes.test(change, rule_id, state_of(request).settings)
    return TestSent(rule=name, delivered=True, told=told)
