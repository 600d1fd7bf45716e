"""How fast a company grows, by its head counts on two days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

LEAST_DAYS = 180
LEAST_PEOPLE = 3
DAYS_OF_YEAR = 365
MOST_PERCENT = 1_000_000.0


@dataclass(frozen=True, slots=True)
class StatedCount:
    """A head count that a source states for the period that ends on `as_of`; 0 is nobody."""

    as_of: date
    count: int


@dataclass(frozen=True, slots=True)
class Growth:
    """Percent a year, with one decimal; None where it cannot be said. `reason` says why."""

    percent: float | None
    reason: str


def yearly_growth(counts: Iterable[StatedCount]) -> Growth:
    """The growth between the two newest counts of one source; no other may be among them."""
    newest = sorted(counts, key=lambda one: one.as_of, reverse=True)[:2]
    if len(newest) < 2:
        return Growth(None, "one observation" if newest else "no observation")
    now, before = newest
    days = (now.as_of - before.as_of).days
    if days < LEAST_DAYS:
        return Growth(None, f"{days} days between the counts, at least {LEAST_DAYS} are needed")
    if before.count < LEAST_PEOPLE:
        return Growth(
            None, f"{before.count} people before, a share of less than {LEAST_PEOPLE} says nothing"
        )
    rate = (now.count / before.count) ** (DAYS_OF_YEAR / days) - 1
    percent = min(MOST_PERCENT, round(100 * rate, 1))
    return Growth(percent, f"{before.count} until {before.as_of}, {now.count} until {now.as_of}")
