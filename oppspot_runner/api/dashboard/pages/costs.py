"""Costs: what calls of models cost, by day, agent, model and stream, and what budgets are left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.dashboard.charts import bars
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.reads.looks import breakdown
from oppspot_runner.api.routing import Routes
from oppspot_runner.base.wording import dollars
from oppspot_runner.limits.budgets import balances

router = Routes(prefix="/costs", include_in_schema=False, default_response_class=HTMLResponse)
PERIODS = (7, 30, 90)


@router.get("", dependencies=[Depends(needs("read"))])
async def costs(
    request: Request, database: Reading, days: Annotated[int, Query(ge=1, le=90)] = 30
) -> HTMLResponse:
    """What was spent in the last `days` days."""
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days - 1)
    found = await breakdown(database, first)
    return page(
        request,
        "costs",
        days=days,
        periods=PERIODS,
        first=first,
        today=today,
        chart=bars(_by_day(found.get("day", ()), first, today)),
        total=found.get("all", [{}])[0],
        found=found,
        budgets=await balances(database),
    )


def _by_day(
    rows: Sequence[Mapping[str, Any]], first: date, last: date
) -> list[tuple[str, dict[str, float]]]:
    """A column for each day, also for those on which nothing was spent."""
    spent: dict[str, tuple[Decimal, int]] = {
        row["key"]: (row["cost_usd"], row["calls"]) for row in rows
    }
    columns = []
    for number in range((last - first).days + 1):
        day = str(first + timedelta(days=number))
        cost, calls = spent.get(day, (Decimal(0), 0))
        columns.append((f"{day}: ${dollars(cost)}, {calls} calls", {"accent": float(cost)}))
    return columns
