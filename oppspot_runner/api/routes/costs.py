"""What calls of models cost, and the most that they may cost."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from pydantic import AwareDatetime

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.costs import BudgetBody, BudgetSet, BudgetWanted, CostsBody
from oppspot_runner.api.changes import costs as changes
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.paging import Cursor, Limit, Page, id_after, page_as
from oppspot_runner.api.reads.costs import usual_since
from oppspot_runner.api.routing import Routes
from oppspot_runner.limits import budgets
from oppspot_runner.limits.budgets import Period, Scope
from oppspot_runner.limits.costs import By, costs

router = Routes(prefix="/api/v1/costs", tags=["costs"], route_class=ChangingRoute)


@router.get("", dependencies=[Depends(needs("read"))])
async def show(
    database: Reading,
    by: Annotated[By, Query(description="Sum up by this; a day is one of UTC.")] = "model",
    since: Annotated[
        AwareDatetime | None, Query(description="Calls from then on; 30 days ago by default.")
    ] = None,
    until: Annotated[AwareDatetime | None, Query(description="Calls before that time.")] = None,
    limit: Limit = 50,
) -> CostsBody:
    """What calls of models cost, summed up; the dearest first, days the newest first."""
    begin = since or await usual_since(database)
    found = await costs(database, by, since=begin, until=until, most=limit)
    return CostsBody.model_validate(
        {"by": by, "since": begin, "until": until, "items": found.rows, "total": found.total}
    )


@router.get("/budgets", dependencies=[Depends(needs("read"))])
async def list_budgets(
    database: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Page[BudgetBody]:
    """Budgets in their periods of now: what is spent, held by calls on their way, and left."""
    rows = await budgets.balances(database, after=id_after(cursor), limit=limit + 1)
    return page_as(BudgetBody, rows, limit, lambda row: [row["id"]])


@router.put("/budgets/{scope}/{scope_id}/{period}", dependencies=[Depends(needs("admin"))])
async def set_budget(
    scope: Scope, scope_id: UUID, period: Period, wanted: BudgetWanted, change: TheChange
) -> BudgetSet:
    """Sets the budget of a task, run, agent, stream or organisation. Calls over it are not made."""
    row = await changes.set_budget(change, scope, scope_id, period, wanted)
    return BudgetSet.model_validate(row)


@router.delete(
    "/budgets/{scope}/{scope_id}/{period}", status_code=204, dependencies=[Depends(needs("admin"))]
)
async def remove_budget(scope: Scope, scope_id: UUID, period: Period, change: TheChange) -> None:
    """Takes a budget away. What its calls cost stays on record."""
    await changes.remove_budget(change, scope, scope_id, period)
