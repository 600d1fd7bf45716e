"""The weights of the score, and what a score means as a priority. No company is looked at here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.companies.criteria import (
    ALIASES,
    CRITERIA,
    GoalCriteria,
    criterion_name,
    read_goal,
)

Stage = Literal["discovery", "enriched", "full"]
Priority = Literal["critical", "high", "medium", "low"]

FORMULA = "1"  # counts up when the formula itself changes
MOST_POINTS = 5
COMPONENTS = ("criteria", "completeness", "enrichment", "signals")
STAGES: dict[Stage, tuple[str, ...]] = {
    "discovery": COMPONENTS[:2],
    "enriched": COMPONENTS[:3],
    "full": COMPONENTS,
}
HIGH_QUALITY_CENTS = 400
PRIORITIES: tuple[tuple[int, Priority], ...] = ((450, "critical"), (400, "high"), (300, "medium"))
REQUIRED_SIGNAL_CAP_CENTS = 399

COMPLETENESS_FIELDS = (
    "name",
    "website",
    "description",
    "industry",
    "employee_count",
    "region",
    "linkedin_url",
    "phone",
    "email",
)
HALF_LIFE_DAYS = {
    "funding_round": 180.0,
    "executive_change": 90.0,
    "technology_adoption": 120.0,
    "expansion": 120.0,
    "companies_house_filing": 60.0,
    "job_posting": 45.0,
    "news_mention": 30.0,
    "social_media_activity": 14.0,
}


@dataclass(frozen=True)
class Model:
    """All numbers of the formula. `asked` is the weight, within completeness, of a field that a
    criterion of the goal judges; `fields` overrides weights of single fields."""

    components: Mapping[str, float] = field(
        default_factory=lambda: {
            "criteria": 2.0,
            "completeness": 1.0,
            "enrichment": 1.0,
            "signals": 1.0,
        }
    )
    fields: Mapping[str, float] = field(default_factory=dict)
    asked: float = 4.0
    fact_half_life_days: float = 90.0
    signal_half_life_days: Mapping[str, float] = field(default_factory=lambda: HALF_LIFE_DAYS)
    default_half_life_days: float = 60.0

    @property
    def version(self) -> str:
        """The formula's number; with other weights also a mark that is theirs alone."""
        if self == Model():
            return FORMULA
        text = json.dumps(asdict(self), sort_keys=True, default=dict)
        return f"{FORMULA}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


MODEL = Model()


def priority_of(cents: int) -> Priority:
    """The priority of a score in hundredths: critical from 450, high from 400, medium from 300."""
    return next((name for least, name in PRIORITIES if cents >= least), "low")


def reweigh(
    model: Model, criteria: GoalCriteria, weights: Mapping[str, float]
) -> tuple[Model, GoalCriteria]:
    """Model and criteria with other weights: names of components, criteria or completeness fields.

    Raises InvalidInputError for an unknown name or a weight that is negative or not finite.
    """
    components, fields, others = dict(model.components), dict(model.fields), dict(criteria.weights)
    for name, weight in weights.items():
        _check_weight(name, weight)
        if name in components:
            components[name] = float(weight)
        elif name in CRITERIA or name in ALIASES:
            others[criterion_name(name)] = float(weight)
        elif name in COMPLETENESS_FIELDS:
            fields[name] = float(weight)
        else:
            known = ", ".join([*COMPONENTS, *CRITERIA, *COMPLETENESS_FIELDS])
            raise InvalidInputError(f"weights: {name!r} can have no weight; known: {known}")
    if not any(components.values()):
        raise InvalidInputError("weights: all components weigh 0, so there is no score")
    given = {**criteria.model_dump(exclude_none=True), "weights": others}
    changed = read_goal({"goal_criteria": given}).criteria
    return replace(model, components=components, fields=fields), changed


def _check_weight(name: str, weight: object) -> None:
    is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not is_number or not 0 <= float(str(weight)) <= 1000:
        raise InvalidInputError(f"weights: {name} must be a number from 0 to 1000, got {weight!r}")
