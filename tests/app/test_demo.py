"""Which reasons of a score the demo shows."""

from __future__ import annotations

from typing import Any

from oppspot_runner.app.demo import telling
from oppspot_runner.companies.scoring import Scorer
from tests.companies.making import NOW, company, rubric

GOAL: dict[str, Any] = {
    "industry": ["Software"],
    "location": ["Germany"],
    "employee_count": {"min": 10, "max": 50},
}


def first_two(goal: dict[str, Any], **values: Any) -> list[str]:
    """The factors of the two reasons that are shown of a company."""
    score = Scorer(rubric(**goal), NOW, "enriched").score(company(**values))
    return [reason["factor"] for reason in sorted(score.reasons, key=telling)[:2]]


def test_an_industry_that_only_a_tag_tells_is_shown_before_what_has_more_points() -> None:
    fitting = {"industries": ("software",), "country": "DE", "employees": 20}
    assert first_two(GOAL, **fitting) == ["industry", "location"]


def test_what_the_goal_weighs_more_is_shown_first() -> None:
    fitting = {"industries": ("software",), "country": "DE", "employees": 20}
    goal = {**GOAL, "weights": {"employee_count": 3}}
    assert first_two(goal, **fitting) == ["employee_count", "industry"]


def test_what_is_not_known_or_not_met_is_not_shown_as_a_reason() -> None:
    assert first_two(GOAL, country="DE", employees=20) == ["location", "employee_count"]
    assert first_two(GOAL, industries=("banking",), country="DE", employees=20) == [
        "location",
        "employee_count",
    ]


def test_completeness_comes_after_what_the_goal_asked_for() -> None:
    assert first_two({"location": ["Germany"]}, country="DE") == ["location", "fields"]
