"""Goals as people write them: read, checked, and what is not understood reported."""

from __future__ import annotations

from typing import Any

import pytest

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.companies.criteria import Goal, GoalCriteria, read_goal


def goal(**criteria: Any) -> Goal:
    return read_goal({"goal_criteria": criteria})


def refusal(**criteria: Any) -> str:
    with pytest.raises(InvalidInputError) as caught:
        goal(**criteria)
    return str(caught.value)


def test_the_printed_goal_of_the_product_is_read() -> None:
    read = read_goal(
        {
            "goal_criteria": {
                "industry": ["SaaS", "FinTech"],
                "location": ["UK", "Ireland"],
                "employee_count": {"min": 10, "max": 500},
            },
            "target_metrics": {"companies_to_find": 50, "min_quality_score": 4.0},
        }
    )
    assert read.criteria.names() == ["industry", "location", "employee_count"]
    assert (read.criteria.employee_count.min, read.criteria.employee_count.max) == (10, 500)
    assert (read.metrics.companies_to_find, read.metrics.min_quality_score) == (50, 4.0)
    assert read.ignored == ()


def test_every_criterion_is_optional_and_null_is_absent() -> None:
    assert read_goal({}).criteria.names() == []
    assert goal(industry=None, employee_count=None, must=None, weights=None).criteria.names() == []
    assert goal(industry=[], location=[" "], employee_count={}).criteria.names() == []


def test_unknown_keys_are_kept_and_reported() -> None:
    read = goal(industry=["SaaS"], colour="red", employee_count={"min": 1, "about": 5})
    assert read.ignored == ("goal_criteria.colour", "goal_criteria.employee_count.about")
    assert read.criteria.model_extra == {"colour": "red"}


def test_a_must_that_the_goal_does_not_set_is_reported() -> None:
    assert goal(industry=["SaaS"], must=["location"]).ignored == ("goal_criteria.must.location",)


@pytest.mark.parametrize("name", ["country", "countries", "locations"])
def test_other_names_of_a_criterion_are_understood(name: str) -> None:
    read = goal(**{name: ["GB"]}, must=[name], weights={name: 2}).criteria
    assert (read.location, read.must, read.weights) == (["GB"], ["location"], {"location": 2.0})


def test_one_label_may_stand_without_brackets() -> None:
    assert goal(industry="SaaS", must="industry").criteria.industry == ["SaaS"]


@pytest.mark.parametrize(
    ("criteria", "start"),
    [
        ({"employee_count": {"min": 500, "max": 10}}, "goal_criteria.employee_count: min 500"),
        ({"employee_count": {"min": float("nan")}}, "goal_criteria.employee_count.min: "),
        ({"employee_count": {"min": "many"}}, "goal_criteria.employee_count.min: "),
        ({"employee_count": 10}, "goal_criteria.employee_count: "),
        ({"industry": 7}, "goal_criteria.industry: "),
        ({"industry": ["x" * 201]}, "goal_criteria.industry.0: "),
        ({"weights": {"industry": -1}}, "goal_criteria.weights.industry: "),
        ({"weights": {"colour": 1}}, "goal_criteria.weights.colour: 'colour' is no criterion"),
        ({"must": ["contry"]}, "goal_criteria.must.0: 'contry' is no criterion"),
        ({"industry": ["a"], "weights": {"industry": 0}}, "goal_criteria: weights: all criteria"),
        ({"country": ["GB"], "location": ["IE"]}, "goal_criteria: country and location mean"),
        ({"exclude": {"streams": ["no uuid"]}}, "goal_criteria.exclude.streams.0: "),
        ({"revenue": {"min": 1, "currency": "pounds"}}, "goal_criteria.revenue.currency: "),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(
    criteria: dict[str, Any], start: str
) -> None:
    assert refusal(**criteria).startswith(start)


def test_a_goal_that_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="goal_criteria: wanted an object, got list"):
        read_goal({"goal_criteria": ["SaaS"]})
    with pytest.raises(InvalidInputError, match=r"target_metrics\.min_quality_score: "):
        read_goal({"target_metrics": {"min_quality_score": 6}})


def test_what_postgres_refuses_is_taken_out_of_labels() -> None:
    assert goal(industry=["Fin\x00Tech\ud800", "  two   words "]).criteria.industry == [
        "FinTech?",
        "two words",
    ]


def test_a_read_goal_can_be_written_and_read_again() -> None:
    read = goal(industry=["SaaS"], employee_count={"min": 1}, must=["industry"], colour="red")
    again = GoalCriteria.model_validate(read.criteria.model_dump(mode="json"))
    assert again == read.criteria
