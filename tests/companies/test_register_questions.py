"""What the register is asked for a goal."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from oppspot_runner.companies.criteria import GoalCriteria
from oppspot_runner.companies.register_questions import Questions, register_questions

TODAY = date(2026, 3, 1)


def asked(**criteria: Any) -> Questions:
    return register_questions(GoalCriteria.model_validate(criteria), TODAY)


def test_an_industry_is_asked_for_by_its_codes_among_active_companies() -> None:
    (question,) = asked(industry=["SaaS"], location=["UK"], employee_count={"min": 10}).asked
    assert "62012" in question["sic_codes"].split(",")
    assert question["company_status"] == "active"
    assert "location" not in question


def test_codes_that_are_wanted_say_more_than_the_industry() -> None:
    (question,) = asked(industry=["FinTech"], sic_codes=["6201"]).asked
    assert question["sic_codes"] == "62011,62012"


def test_many_codes_are_several_questions() -> None:
    questions = asked(sic_codes=["1", "2"]).asked
    codes = [question["sic_codes"].split(",") for question in questions]
    assert len(questions) > 1
    assert all(len(some) <= 50 for some in codes)
    assert len({code for some in codes for code in some}) == sum(map(len, codes))


@pytest.mark.parametrize(
    ("location", "towns"),
    [
        (["Leeds"], ["Leeds"]),
        (["Leeds", "London"], ["Leeds", "London"]),
        (["Leeds", "UK"], [None]),
        (["Scotland"], [None]),
        (["Leeds", "Germany"], ["Leeds"]),
        (["anywhere"], [None]),
        (None, [None]),
    ],
)
def test_towns_are_asked_for_one_by_one_and_wider_places_not_at_all(
    location: list[str] | None, towns: list[str | None]
) -> None:
    questions = asked(sic_codes=["62012"], location=location).asked
    assert [question.get("location") for question in questions] == towns


@pytest.mark.parametrize(
    ("age", "years"),
    [
        (None, (1844, 2026)),
        ({"min": 2, "max": 10}, (2015, 2024)),
        ({"min": 2}, (1844, 2024)),
        ({"max": 10}, (2015, 2026)),
        ({"max": 9_999}, (1844, 2026)),
        ({"min": 9_999}, (1844, 1844)),
    ],
)
def test_an_age_is_the_years_in_which_a_company_was_founded(
    age: dict[str, int] | None, years: tuple[int, int]
) -> None:
    questions = asked(sic_codes=["62012"], company_age_years=age)
    assert (questions.first, questions.last) == years


def test_a_status_that_is_wanted_is_asked_for() -> None:
    (question,) = asked(sic_codes=["62012"], company_status=["liquidation", "dormant"]).asked
    assert question["company_status"] == "liquidation"


@pytest.mark.parametrize(
    ("criteria", "why"),
    [
        ({"industry": ["SaaS"], "location": ["Ireland"]}, "no company of the United Kingdom"),
        ({"employee_count": {"min": 10}}, "names no industry and no town"),
        ({"location": ["UK"]}, "names no industry and no town"),
        ({"sic_codes": ["62012"], "company_status": ["ipo"]}, "none of the statuses"),
    ],
)
def test_where_the_register_cannot_help_it_is_not_asked(criteria: dict[str, Any], why: str) -> None:
    questions = asked(**criteria)
    assert questions.asked == ()
    assert why in questions.why_not


def test_a_town_alone_is_enough() -> None:
    (question,) = asked(location=["Leeds"]).asked
    assert question == {"location": "Leeds", "company_status": "active"}
