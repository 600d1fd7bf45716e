"""What must hold for every company, every goal and every signal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.companies.company import Company
from oppspot_runner.companies.criteria import CRITERIA
from oppspot_runner.companies.scoring import Score, score
from oppspot_runner.companies.scoring_criteria import Rubric
from oppspot_runner.companies.scoring_parts import Signal
from tests.companies.making import FIRST, NOW, company, rubric

COUNTRIES = ["GB", "IE", "US"]
TAGS = ["saas", "fintech", "health", "b2b"]
SIC = ["62012", "64191", "10110", "7499"]

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "industries": st.lists(st.sampled_from(TAGS), max_size=3, unique=True).map(tuple),
    "sic_codes": st.lists(st.sampled_from(SIC), max_size=2, unique=True).map(tuple),
    "country": st.sampled_from([None, *COUNTRIES]),
    "town": st.sampled_from([None, "London", "Leeds"]),
    "employees": st.none() | st.integers(1, 5_000),
    "employees_band": st.sampled_from([None, "1-10", "11-50", "501-1000", "10001+"]),
    "founded_year": st.none() | st.integers(1900, 2026),
    "description": st.sampled_from([None, "We make payments easy", "Live music"]),
    "website": st.sampled_from([None, "https://a.test"]),
    "linkedin_url": st.sampled_from([None, "https://l.test"]),
    "phone": st.sampled_from([None, "1"]),
    "email": st.sampled_from([None, "a@b.test"]),
    "tech": st.sampled_from([(), ("HubSpot",), ("Django",)]),
    "status": st.sampled_from([None, "active", "dissolved", "acquired"]),
    "company_number": st.sampled_from([None, "01234567"]),
}
COMPANIES = st.builds(
    company,
    id=st.just(FIRST),
    confidence=st.sampled_from([0.0, 0.3, 0.6, 1.0]),
    age_days=st.integers(0, 400),
    **VALUES,
)
RANGES = st.tuples(st.integers(0, 900), st.integers(0, 900)).map(
    lambda ends: {"min": min(ends), "max": max(ends)}
)
WANTED: dict[str, st.SearchStrategy[Any]] = {
    "industry": st.lists(st.sampled_from(["SaaS", "FinTech"]), min_size=1, unique=True),
    "location": st.lists(
        st.sampled_from(["UK", "Ireland", "London", "Europe"]), min_size=1, unique=True
    ),
    "employee_count": RANGES,
    "sic_codes": st.just(["62", "64"]),
    "tech_stack": st.just(["HubSpot"]),
    "keywords": st.just(["payments"]),
    "company_age_years": st.just({"min": 2, "max": 10}),
    "company_status": st.just(["active"]),
}
GOALS = st.fixed_dictionaries({}, optional=WANTED)
SIGNALS = st.builds(
    Signal,
    type=st.sampled_from(["funding_round", "job_posting", "social_media_activity"]),
    strength=st.sampled_from([0.25, 0.5, 0.75, 1.0]),
    confidence=st.floats(0, 1),
    occurred_at=st.integers(-3, 700).map(lambda days: NOW - timedelta(days=days)),
    text=st.sampled_from(["a", "b"]),
    fit=st.floats(0, 1),
)
STAGES = st.sampled_from(["discovery", "enriched", "full"])
# The columns by which each criterion is judged: without them it is unknown.
JUDGED_BY: dict[str, dict[str, Any]] = {
    "industry": {"industries": (), "sic_codes": (), "description": None},
    "location": {"country": None, "region": None, "town": None},
    "employee_count": {"employees": None, "employees_band": None},
    "sic_codes": {"sic_codes": ()},
    "tech_stack": {"tech": ()},
    "company_age_years": {"incorporated": None, "founded_year": None},
    "company_status": {"status": None},
}


def scored(one: Company, goal: Rubric, **more: Any) -> Score:
    return score(one, goal, now=NOW, **more)


@pytest.mark.slow
@given(COMPANIES, GOALS, STAGES, st.lists(SIGNALS, max_size=6))
@settings(max_examples=200, deadline=None)
def test_a_score_lies_between_0_and_5_and_its_points_add_up(
    one: Company, goal: dict[str, Any], stage: Any, signals: list[Signal]
) -> None:
    found = scored(one, rubric(**goal), stage=stage, found_signals=signals)
    assert 0 <= found.cents <= 500
    assert 0 <= found.confidence <= 1
    assert all(0 <= part <= 1 for part in found.parts.values())
    points = [Decimal(str(reason["points"])) for reason in found.reasons]
    assert sum(points) == Decimal(found.cents) / 100
    assert all(0 <= part["points"] <= part["max"] for part in found.reasons)


@pytest.mark.slow
@given(COMPANIES, GOALS, st.randoms())
@settings(max_examples=100, deadline=None)
def test_the_order_of_criteria_and_of_labels_changes_nothing(
    one: Company, goal: dict[str, Any], random: Any
) -> None:
    names = list(goal)
    random.shuffle(names)
    turned = {
        name: goal[name][::-1] if isinstance(goal[name], list) else goal[name] for name in names
    }
    first, second = scored(one, rubric(**goal)), scored(one, rubric(**turned))
    assert (first.cents, first.confidence, first.parts) == (
        second.cents,
        second.confidence,
        second.parts,
    )


@pytest.mark.slow
@given(COMPANIES, GOALS, STAGES, st.sampled_from(sorted(JUDGED_BY)), st.booleans())
@settings(max_examples=300, deadline=None)
def test_what_is_unknown_never_scores_below_a_known_misfit(
    one: Company, goal: dict[str, Any], stage: Any, name: str, is_must: bool
) -> None:
    asked = rubric(**goal, must=[name] if is_must else [])
    verdict = asked.judge(one, NOW).get(name)
    if verdict is None or verdict.match != 0:
        return
    emptied = replace(one, **JUDGED_BY[name])
    others = [other for other in asked.judge(one, NOW) if other != name]
    if any(asked.judge(emptied, NOW)[other] != asked.judge(one, NOW)[other] for other in others):
        return  # the same columns decided another criterion, too
    if name == "industry" and one.description:
        return  # the description counts by itself
    known, unknown = scored(one, asked, stage=stage), scored(emptied, asked, stage=stage)
    assert unknown.cents >= known.cents


@pytest.mark.slow
@given(COMPANIES, GOALS, st.lists(SIGNALS, max_size=5), SIGNALS)
@settings(max_examples=150, deadline=None)
def test_one_more_signal_never_lowers_a_score(
    one: Company, goal: dict[str, Any], signals: list[Signal], more: Signal
) -> None:
    asked = rubric(**goal, signals=["job_posting"])
    before = scored(one, asked, found_signals=signals, required_signals=["funding_round"])
    after = scored(one, asked, found_signals=[*signals, more], required_signals=["funding_round"])
    assert after.cents >= before.cents


@pytest.mark.slow
@given(COMPANIES, GOALS, st.lists(SIGNALS, min_size=1, max_size=5), st.integers(1, 500))
@settings(max_examples=150, deadline=None)
def test_an_older_signal_never_raises_a_score(
    one: Company, goal: dict[str, Any], signals: list[Signal], days: int
) -> None:
    older = [
        replace(signals[0], occurred_at=signals[0].occurred_at - timedelta(days=days)),
        *signals[1:],
    ]
    asked = rubric(**goal)
    assert (
        scored(one, asked, found_signals=older).cents
        <= scored(one, asked, found_signals=signals).cents
    )


def test_all_criteria_have_a_place_in_these_properties_or_need_facts() -> None:
    by_facts = {"revenue", "growth_rate", "funding_stage", "signals"}
    assert set(WANTED) | by_facts == set(CRITERIA)
