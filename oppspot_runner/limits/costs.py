"""What calls of models have cost, summed up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import DictRow

from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

COSTS = statement("money/costs")

By = Literal["model", "tool", "agent", "stream", "run", "task", "attempt", "org", "day"]


@dataclass(frozen=True)
class Costs:
    """Sums for each value of a property, the dearest first, and over all calls.

    `total` is None where there were no calls.
    """

    rows: list[DictRow]
    total: DictRow | None


async def costs(
    database: Database,
    by: By,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    most: int = 50,
) -> Costs:
    """Costs of calls that began from `since` on and before `until`; at most so many rows."""
    asked = {"by": by, "most": most, "since": since, "until": until}
    rows = await database.fetch_all(COSTS, asked)
    total = rows.pop(0) if rows else None
    for row in (*rows, total or {}):
        row.pop("is_total", None)
    return Costs(rows, total)
