"""Companies and goals for tests of scoring, made in one line each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.criteria import read_goal
from oppspot_runner.companies.scoring_criteria import Rubric

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def company(
    *,
    confidence: float = 0.6,
    age_days: int = 0,
    facts: dict[str, Any] | None = None,
    **values: Any,
) -> Company:
    """A company whose every value was imported `age_days` ago; `facts` are fields of no column."""
    observed_at = NOW - timedelta(days=age_days)
    known = {**values, **(facts or {})}
    return Company(
        id=values.pop("id", None) or uuid4(),
        name=values.pop("name", "Acme"),
        updated_at=observed_at,
        facts={
            name: Fact(name, value, "import:test", confidence, observed_at)
            for name, value in known.items()
        },
        **values,
    )


def rubric(**criteria: Any) -> Rubric:
    """The rubric of a goal."""
    return Rubric.of(read_goal({"goal_criteria": criteria}).criteria)


FIRST = UUID(int=1)
