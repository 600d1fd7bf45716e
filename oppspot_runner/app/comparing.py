"""Compares the variants of an agent, and says which one does as well for less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base.intervals import Interval, of_mean, of_share
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

PERFORMANCE = statement("variants/performance")

LEAST_ATTEMPTS = 30  # of each: below that the intervals of means are too narrow
AS_WELL = 0.05  # so much lower may the share of successes be, at the worst, to pass for the same


@dataclass(frozen=True)
class Performance:
    """What is known of a variant; None where there is too little. Durations are in ms."""

    variant: str
    attempts: int
    success: Interval | None
    cost_usd: Interval | None
    duration_ms: Interval | None
    score: Interval | None


@dataclass(frozen=True)
class Comparison:
    """An agent and its variants, in the order of its configuration."""

    agent_id: UUID
    agent_name: str | None
    variants: Sequence[Performance]

    @property
    def cheaper(self) -> tuple[Performance, Performance] | None:
        """The first variant and the cheapest one that does as well for less; None if none does."""
        first, *others = self.variants
        good = [one for one in others if _does_as_well_for_less(one, first)]
        return (first, min(good, key=_cost)) if good else None

    @property
    def saving_usd(self) -> float:
        """What the attempts of the first variant would have cost less; 0 without a cheaper one."""
        if self.cheaper is None:
            return 0.0
        first, better = self.cheaper
        return first.attempts * (_cost(first) - _cost(better))


async def comparisons(database: Database, agent_id: UUID | None = None) -> list[Comparison]:
    """All agents with variants that have run, or that one."""
    rows = await database.fetch_all(PERFORMANCE, {"agent_id": agent_id})
    return [
        Comparison(agent, name, [_performance(row) for row in of_agent])
        for (agent, name), of_agent in groupby(
            rows, key=lambda row: (row["agent_id"], row["agent_name"])
        )
    ]


def _performance(row: DictRow) -> Performance:
    def mean(what: str, of: int) -> Interval | None:
        return (
            of_mean(float(row[f"avg_{what}"]), float(row[f"dev_{what}"] or 0), of) if of else None
        )

    return Performance(
        variant=row["variant"],
        attempts=row["attempts"],
        success=of_share(row["completed"], row["attempts"]),
        cost_usd=mean("cost_usd", row["costs"]),
        duration_ms=mean("duration_ms", row["attempts"]),
        score=mean("score", row["scores"]),
    )


def _does_as_well_for_less(one: Performance, first: Performance) -> bool:
    if min(one.attempts, first.attempts) < LEAST_ATTEMPTS:
        return False
    if one.success is None or first.success is None or not one.cost_usd or not first.cost_usd:
        return False
    as_well = one.success.minus(first.success).low >= -AS_WELL
    if one.score is not None and first.score is not None:
        as_well = as_well and one.score.minus(first.score).high >= 0
    return as_well and one.cost_usd.minus(first.cost_usd).high < 0


def _cost(one: Performance) -> float:
    assert one.cost_usd is not None
    return one.cost_usd.value
