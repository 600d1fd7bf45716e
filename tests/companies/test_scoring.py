"""The score against sums done by hand, and what each part of it counts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.companies.criteria import read_goal
from oppspot_runner.companies.scoring import Score, score
from oppspot_runner.companies.scoring_model import MODEL, priority_of, reweigh
from oppspot_runner.companies.scoring_parts import Share, Signal
from oppspot_runner.companies.scoring_points import in_cents
from oppspot_runner.companies.scoring_ranges import range_match
from tests.companies.making import NOW, company, rubric

GOAL = {"industry": ["FinTech"], "location": ["UK"], "employee_count": {"min": 10, "max": 500}}
FITTING: dict[str, Any] = {
    "industries": ("fintech",),
    "country": "GB",
    "employees": 120,
    "website": "https://acme.test",
    "linkedin_url": "https://linkedin.com/company/acme",
}


def added_up(scored: Score) -> Decimal:
    return sum((Decimal(str(reason["points"])) for reason in scored.reasons), Decimal())


def reason(scored: Score, factor: str) -> dict[str, Any]:
    (found,) = [one for one in scored.reasons if one["factor"] == factor]
    return found


def test_the_score_is_the_documented_sum() -> None:
    scored = score(company(**FITTING), rubric(**GOAL), now=NOW)
    c = (0.8 + 1 + 1) / 3  # a tag alone is 0.8
    d = (1 + 1 + 4 + 4 + 4 + 1) / 18  # without description, phone, e-mail; three fields weigh 4
    e = (0 + 0.6 + 0.6 + 0.6) / 4  # no register; each imported with 0.6
    assert scored.value == pytest.approx(5 * (2 * c + d + e + 0) / 5, abs=0.005)
    assert scored.parts == {
        "criteria": pytest.approx(c, abs=1e-4),
        "completeness": pytest.approx(d, abs=1e-4),
        "enrichment": pytest.approx(e, abs=1e-4),
        "signals": 0,
    }


def test_at_discovery_only_criteria_and_completeness_count() -> None:
    scored = score(company(**FITTING), rubric(**GOAL), now=NOW, stage="discovery")
    assert scored.value == pytest.approx(5 * (2 * 2.8 / 3 + 15 / 18) / 3, abs=0.005)
    assert set(scored.parts) == {"criteria", "completeness"}


def test_a_perfect_company_has_four_without_a_signal_and_five_with_a_certain_one() -> None:
    perfect = company(
        confidence=1.0,
        **{**FITTING, "sic_codes": ("64191",), "description": "Payments"},
        phone="1",
        email="a@acme.test",
        company_number="01234567",
    )
    assert score(perfect, rubric(**GOAL), now=NOW).value == 4.0
    signal = Signal("funding_round", strength=1.0, confidence=1.0, occurred_at=NOW)
    assert score(perfect, rubric(**GOAL), now=NOW, found_signals=[signal]).value == 5.0


def test_the_points_of_the_reasons_add_up_to_the_score_exactly() -> None:
    for employees in range(1, 1200, 7):
        scored = score(company(**{**FITTING, "employees": employees}), rubric(**GOAL), now=NOW)
        assert added_up(scored) == Decimal(scored.cents) / 100


def test_no_criterion_gives_points_for_nothing() -> None:
    scored = score(company(name="Acme"), rubric(**GOAL), now=NOW)
    assert scored.parts["criteria"] == 0
    assert scored.confidence == 0


def test_the_location_filters_and_has_a_reason_of_its_own() -> None:
    fits = score(company(**FITTING), rubric(**GOAL), now=NOW)
    abroad = score(company(**{**FITTING, "country": "US"}), rubric(**GOAL), now=NOW)
    assert reason(fits, "location")["points"] > 0
    assert reason(abroad, "location")["points"] == 0
    assert "United States" in reason(abroad, "location")["text"]
    assert abroad.cents < fits.cents


def test_a_head_count_is_a_known_field_although_it_has_no_length() -> None:
    known = score(company(employees=5), rubric(location=["UK"]), now=NOW)
    unknown = score(company(), rubric(location=["UK"]), now=NOW)
    assert known.parts["completeness"] > unknown.parts["completeness"]
    assert "employee_count" not in [hint["field"] for hint in known.missing]


def test_a_reason_names_value_wish_source_day_and_confidence() -> None:
    scored = score(company(age_days=9, **FITTING), rubric(**GOAL), now=NOW)
    assert reason(scored, "employee_count") == {
        "component": "criteria",
        "factor": "employee_count",
        "points": 0.67,
        "max": 0.67,
        "text": "120 employees, wanted 10-500",
        "source": "import:test",
        "observed_at": "2026-05-23",
        "confidence": 0.6,
    }


def test_an_unknown_value_is_left_out_and_lowers_the_confidence() -> None:
    known = score(company(**FITTING), rubric(**GOAL), now=NOW)
    unknown = score(company(**{**FITTING, "employees": None}), rubric(**GOAL), now=NOW)
    assert unknown.parts["criteria"] == pytest.approx((0.8 + 1) / 2)
    assert reason(unknown, "employee_count")["max"] == 0
    assert (known.confidence, unknown.confidence) == (0.6, 0.4)


def test_weights_shift_the_mean_of_the_criteria() -> None:
    heavy = rubric(**GOAL, weights={"industry": 2, "location": 1, "employee_count": 1})
    scored = score(company(**FITTING), heavy, now=NOW)
    assert scored.parts["criteria"] == pytest.approx((2 * 0.8 + 1 + 1) / 4)


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (500, 10, 500, 1.0),
        (707, 10, 500, 0.5),
        (1000, 10, 500, 0.0),
        (5000, 10, 500, 0.0),
        (10, 10, None, 1.0),
        (7.0711, 10, None, 0.5),
        (5, 10, None, 0.0),
        (0, 10, None, 0.0),
        (-5, 10, None, 0.0),
        (-5, -10, 0, 1.0),
        (1, None, 0, 0.0),
        (3, None, None, 1.0),
    ],
)
def test_a_range_falls_by_the_logarithm_of_the_distance(
    value: float, low: float | None, high: float | None, expected: float
) -> None:
    assert range_match(value, low, high) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(
    ("band", "match"),
    [("11-50", 1.0), ("201-500", 1.0), ("1-10", None), ("501-1000", 0.998), ("10001+", 0.0)],
)
def test_a_band_counts_when_all_of_it_is_in_or_out(band: str, match: float | None) -> None:
    verdict = rubric(**GOAL).judge(company(employees_band=band), NOW)["employee_count"]
    assert verdict.match == (None if match is None else pytest.approx(match, abs=0.002))


def test_a_failed_must_gives_nothing_but_its_reason() -> None:
    scored = score(
        company(**{**FITTING, "country": "US"}), rubric(**GOAL, must=["location"]), now=NOW
    )
    assert (scored.cents, scored.priority, scored.disqualified) == (0, "low", "must_location")
    assert [one["factor"] for one in scored.reasons] == ["must_location"]


def test_an_unknown_must_is_no_failed_one() -> None:
    scored = score(
        company(**{**FITTING, "country": None}), rubric(**GOAL, must=["location"]), now=NOW
    )
    assert scored.disqualified is None
    assert scored.cents > 0


@pytest.mark.parametrize(
    ("values", "exclude", "rule"),
    [
        ({"status": "dissolved"}, {}, "company_status"),
        ({"status": "inactive"}, {}, "company_status"),
        ({"status": "active-proposal-to-strike-off"}, {}, "company_status"),
        ({"sic_codes": ("99999",)}, {}, "excluded_sic"),
        ({"sic_codes": ("62012",)}, {"sic_codes": ["62"]}, "excluded_sic"),
        ({"domain": "acme.test"}, {"domains": ["ACME.test"]}, "excluded_domain"),
        ({"company_number": "SC012345"}, {"company_numbers": ["sc012345"]}, "excluded_number"),
    ],
)
def test_what_is_dead_or_excluded_scores_nothing(
    values: dict[str, Any], exclude: dict[str, Any], rule: str
) -> None:
    scored = score(company(**{**FITTING, **values}), rubric(**GOAL, exclude=exclude), now=NOW)
    assert (scored.cents, scored.disqualified, len(scored.reasons)) == (0, rule, 1)


def test_who_asks_for_the_dead_or_the_idle_gets_them() -> None:
    dead = company(**FITTING, status="dissolved")
    assert score(dead, rubric(**GOAL, company_status=["Dissolved"]), now=NOW).cents > 0
    idle = company(**FITTING, sic_codes=("74990",))
    assert score(idle, rubric(**GOAL, sic_codes=["74990"]), now=NOW).cents > 0


@pytest.mark.parametrize(
    ("cents", "priority"),
    [(500, "critical"), (450, "critical"), (449, "high"), (400, "high"), (399, "medium"),
     (300, "medium"), (299, "low"), (0, "low")],
)  # fmt: skip
def test_priorities_begin_at_4_5_and_4_0_and_3_0(cents: int, priority: str) -> None:
    assert priority_of(cents) == priority


def test_a_score_is_rounded_before_it_is_compared() -> None:
    cents, reasons = in_cents({"criteria": [Share("industry", 0.7991, 1.0, "")]}, {"criteria": 5})
    assert (cents, priority_of(cents), reasons[0]["points"]) == (400, "high", 4.0)  # from 3.9955
    cents, _ = in_cents({"criteria": [Share("industry", 0.7989, 1.0, "")]}, {"criteria": 5})
    assert (cents, priority_of(cents)) == (399, "medium")


def test_hundredths_that_are_left_over_go_to_those_who_lost_most() -> None:
    shares = [Share(name, 1 / 3, 1 / 3, "") for name in "abc"]
    cents, reasons = in_cents({"criteria": shares}, {"criteria": 2.0})
    assert (cents, [one["points"] for one in reasons]) == (200, [0.67, 0.67, 0.66])
    assert {one["max"] for one in reasons} == {0.67}


def test_a_missing_required_signal_caps_the_score_by_a_reason() -> None:
    rich = company(confidence=1.0, **FITTING, description="x", phone="1", email="e")
    signal = Signal("job_posting", strength=1.0, confidence=1.0, occurred_at=NOW)
    wanted = {"now": NOW, "found_signals": [signal]}
    free = score(rich, rubric(**GOAL), **wanted)
    capped = score(rich, rubric(**GOAL), required_signals=["funding_round"], **wanted)
    assert free.cents > 399
    assert capped.cents == 399
    assert reason(capped, "required_signals")["points"] < 0
    assert added_up(capped) == Decimal("3.99")
    assert score(rich, rubric(**GOAL), required_signals=["job_posting"], **wanted).cents > 399


def test_of_each_type_the_best_signal_counts_most_and_three_at_most() -> None:
    jobs = [Signal("job_posting", 0.5, 1.0, NOW, text=str(number)) for number in range(80)]
    many = score(company(), rubric(), now=NOW, found_signals=jobs)
    assert many.parts["signals"] == pytest.approx(1 - 0.5 * 0.75 * 0.875, abs=1e-4)
    more = [*jobs, Signal("expansion", 1.0, 0.2, NOW)]
    found = score(company(), rubric(), now=NOW, found_signals=more)
    assert found.parts["signals"] == pytest.approx(1 - 0.5 * 0.75 * 0.875 * 0.8, abs=1e-4)


def test_eighty_jobs_on_one_board_do_not_drown_a_funding_round() -> None:
    jobs = [Signal("job_posting", 1.0, 0.9, NOW, "greenhouse", f"job {n}") for n in range(80)]
    funding = Signal("funding_round", 0.75, 0.84, NOW, "feed", "raised 5 million")

    def told(found: list[Signal]) -> tuple[float, float]:
        whole = score(company(), rubric(), now=NOW, found_signals=found)
        points = {one["factor"]: one["points"] for one in whole.reasons}
        return whole.value, points.get("funding_round", 0.0)

    few, with_few = told(jobs[:3]), told([*jobs[:3], funding])
    assert told(jobs) == few
    assert told([*jobs, funding]) == with_few
    assert with_few[0] > few[0]
    assert with_few[1] > 0.2


def test_a_reason_says_who_told_of_a_signal_and_when_it_happened() -> None:
    seen = Signal("expansion", 0.5, 0.8, NOW - timedelta(days=3), "feed, x", "opens an office")
    reasons = score(company(), rubric(), now=NOW, found_signals=[seen]).reasons
    (found,) = (one for one in reasons if one["component"] == "signals")
    day = (NOW - timedelta(days=3)).date().isoformat()
    assert (found["text"], found["source"]) == ("opens an office", "feed, x")
    assert (found["confidence"], found["observed_at"]) == (0.8, day)


def test_a_signal_counts_half_after_its_half_life() -> None:
    old = Signal("job_posting", 1.0, 1.0, NOW - timedelta(days=45))
    assert score(company(), rubric(), now=NOW, found_signals=[old]).parts["signals"] == 0.5


def test_old_facts_count_half_after_ninety_days() -> None:
    fresh = score(company(**FITTING), rubric(**GOAL), now=NOW)
    old = score(company(age_days=90, **FITTING), rubric(**GOAL), now=NOW)
    assert old.parts["enrichment"] == pytest.approx(fresh.parts["enrichment"] / 2, abs=1e-4)
    assert old.confidence == fresh.confidence / 2


def test_a_score_stays_the_same_all_day() -> None:
    seen = company(age_days=5, **FITTING)
    assert score(seen, rubric(**GOAL), now=NOW) == score(
        seen, rubric(**GOAL), now=NOW + timedelta(hours=23)
    )


def test_a_value_without_a_fact_has_half_the_confidence() -> None:
    typed_in = company(**FITTING)
    object.__setattr__(typed_in, "facts", {})
    assert score(typed_in, rubric(**GOAL), now=NOW).confidence == 0.5


def test_codes_that_were_concluded_from_tags_are_no_second_witness() -> None:
    stated = company(**FITTING, sic_codes=("64191",))
    concluded = company(**FITTING, sic_codes=("64191",))
    object.__setattr__(concluded.facts["sic_codes"], "source", "industry_table")
    matches = [rubric(**GOAL).judge(one, NOW)["industry"].match for one in (stated, concluded)]
    assert matches == [1.0, 0.8]


def test_a_page_about_the_company_is_no_presence_of_its_own() -> None:
    listed = company(**{**FITTING, "linkedin_url": None}, links={"crunchbase": "https://c.test"})
    present = company(**{**FITTING, "linkedin_url": None}, links={"github": "https://g.test"})
    assert reason(score(listed, rubric(**GOAL), now=NOW), "social")["points"] == 0
    assert reason(score(present, rubric(**GOAL), now=NOW), "social")["points"] > 0


def test_without_criteria_they_do_not_apply() -> None:
    scored = score(company(**FITTING), rubric(), now=NOW)
    assert set(scored.parts) == {"completeness", "enrichment", "signals"}
    assert scored.value == pytest.approx(5 * (6 / 9 + 0.45) / 3, abs=0.005)


def test_other_weights_make_another_version_of_the_model() -> None:
    criteria = read_goal({"goal_criteria": GOAL}).criteria
    model, weighed = reweigh(MODEL, criteria, {"signals": 0, "industry": 3, "phone": 2})
    assert (MODEL.version, reweigh(MODEL, criteria, {})[0].version) == ("1", "1")
    assert model.version.startswith("1-")
    assert weighed.weights == {"industry": 3.0}
    assert model.fields == {"phone": 2.0}


@pytest.mark.parametrize(
    "weights",
    [{"colour": 1}, {"industry": -1}, {"signals": float("nan")}, {"signals": "2"},
     {"criteria": 0, "completeness": 0, "enrichment": 0, "signals": 0}],
)  # fmt: skip
def test_unusable_weights_are_refused(weights: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="weights"):
        reweigh(MODEL, read_goal({"goal_criteria": GOAL}).criteria, weights)
