"""Changes of budgets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from oppspot_runner.api.bodies.costs import BudgetWanted
from oppspot_runner.api.changing import Change
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.limits import budgets
from oppspot_runner.limits.budgets import Period, Scope


async def set_budget(
    change: Change, scope: Scope, scope_id: UUID, period: Period, wanted: BudgetWanted
) -> dict[str, Any]:
    """From now on that is the most; the budget. Raises NotFoundError."""
    before = await budgets.find_budget(change.database, scope, scope_id, period)
    await budgets.set_budget(
        change.database,
        scope,
        scope_id,
        wanted.limit_usd,
        period=period,
        on_unknown_price=wanted.on_unknown_price,
    )
    after = await budgets.find_budget(change.database, scope, scope_id, period)
    assert after is not None
    told = {"before": before and _told(before), "after": _told(after)}
    await change.record("budget.set", scope, scope_id, **told)
    return after


async def remove_budget(change: Change, scope: Scope, scope_id: UUID, period: Period) -> None:
    """Takes a budget away; what its calls cost stays on record. Raises NotFoundError."""
    before = await budgets.find_budget(change.database, scope, scope_id, period)
    if before is None:
        raise NotFoundError(f"{scope} {scope_id} has no budget ({period})")
    await budgets.remove_budget(change.database, scope, scope_id, period)
    await change.record("budget.remove", scope, scope_id, before=_told(before))


def _told(budget: dict[str, Any]) -> dict[str, Any]:
    return {name: budget[name] for name in ("period", "limit_usd", "on_unknown_price")}
