"""What the overview tells besides `status`: how attempts ended of late, what waits for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any, Literal

from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.costs import costs

ATTEMPTS = statement("overview/attempts")
PEOPLE = statement("overview/people")

MOST_ATTEMPTS = 50_000  # of more, only the newest are counted
LATE_S = 60  # schedules are looked at every few seconds
Span = Literal["hour", "day"]
PARTS: dict[Span, tuple[int, int]] = {"hour": (60, 60), "day": (48, 1_800)}  # how many, seconds


@dataclass(frozen=True)
class Ended:
    """How many attempts ended in a part of time that begins `ago_s` before now."""

    ago_s: int
    completed: int
    failed: int


@dataclass(frozen=True)
class People:
    """What waits for people, and what came too late."""

    drafts: int
    approvals: int
    late_schedules: int
    next_due_at: datetime | None
    failed_schedules: int


async def attempts(database: Database, span: Span) -> list[Ended]:
    """Attempts of the last hour or day, the oldest part first."""
    number, part_s = PARTS[span]
    params = {"span_s": number * part_s, "part_s": part_s, "most": MOST_ATTEMPTS}
    rows = {row["part"]: row for row in await database.fetch_all(ATTEMPTS, params)}
    nothing = {"completed": 0, "failed": 0}
    found = [(part, rows.get(part, nothing)) for part in reversed(range(number))]
    return [Ended((part + 1) * part_s, row["completed"], row["failed"]) for part, row in found]


async def people(database: Database) -> People:
    """What waits for people."""
    row: dict[str, Any] | None = await database.fetch_one(PEOPLE, {"late_s": LATE_S})
    assert row is not None
    return People(**row)


async def cost_today(database: Database) -> Decimal:
    """What calls of models cost since midnight, UTC."""
    midnight = datetime.combine(datetime.now(UTC), time(), UTC)
    total = (await costs(database, "model", since=midnight, most=1)).total
    return Decimal(0) if total is None else total["cost_usd"]
