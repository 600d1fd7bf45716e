"""What gets on a fact sheet: sure, fresh, bare of markup, and the same again for the same facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from oppspot_runner.drafts.facts import Evidence, facts_of, short_name
from oppspot_runner.drafts.language import language
from oppspot_runner.drafts.request import instructions, material, prompt_hash
from oppspot_runner.drafts.sheet import MOST_TEXT, bare
from tests.drafts.sheets import NOW, REASONS, SIGNALS, company, sheet

KNOWN = language("en")


def kinds(confidence: float = 0.9, age_days: int = 5, **values: object) -> list[str]:
    one = company(**values)
    facts = {
        name: replace(fact, confidence=confidence, observed_at=NOW - timedelta(days=age_days))
        for name, fact in one.facts.items()
    }
    found = facts_of(Evidence(replace(one, facts=facts), (), (), NOW), KNOWN)
    return [fact.kind for fact in found]


@pytest.mark.parametrize(
    ("confidence", "age_days", "found"),
    [(0.6, 0, True), (0.59, 0, False), (0.9, 120, True), (0.9, 121, False)],
)
def test_a_fact_is_sure_enough_and_not_too_old(
    confidence: float, age_days: int, found: bool
) -> None:
    assert (kinds(confidence, age_days, tech=("HubSpot",)) == ["tech"]) is found


def test_a_value_that_nobody_stated_is_no_fact() -> None:
    one = replace(company(employees=75), facts={})
    assert facts_of(Evidence(one, (), (), NOW), KNOWN) == ()


def test_of_two_fields_that_say_the_same_the_better_one_is_told() -> None:
    given = kinds(employees=75, employees_band="51-100", town="London", country="GB")
    assert given == ["employees", "town"]
    assert kinds(employees_band="51-100", country="GB") == ["employees_band", "country"]


def test_news_come_first_and_then_what_counted_for_the_score() -> None:
    facts = sheet().facts
    assert [fact.kind for fact in facts[:4]] == [
        "funding_round",
        "job_posting",
        "technology_adoption",
        "employees",
    ]
    assert facts[3].why == REASONS[0]["text"]
    assert [fact.id for fact in facts] == [f"F{n}" for n in range(1, len(facts) + 1)]


def test_a_signal_is_told_as_long_as_it_counts() -> None:
    def told(confidence: float, age: timedelta) -> int:
        signal = replace(SIGNALS[0], confidence=confidence, occurred_at=NOW - age)
        return len(facts_of(Evidence(company(employees=1), [signal], (), NOW), KNOWN)) - 1

    life = timedelta(days=4 * 180)
    assert told(0.6, life) == 1
    assert told(0.6, life + timedelta(seconds=1)) == 0
    assert told(0.59, timedelta(0)) == 0


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<b>Acme</b> <script src='x'>grows", "Acme grows"),
        ("see https://evil.example/a?b or mail me@evil.example now", "see or mail now"),
        ("a\u202eb\u200bc\x00d", "a b c d"),
        ("[name](www.evil.example) {{x}}", "name ( x"),
        ("x " * 1_000, "x " * (MOST_TEXT // 2 - 1) + "x"),
    ],
)
def test_text_from_outside_is_stripped_and_cut(text: str, left: str) -> None:
    assert bare(text) == left.strip()


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Harbour Ledger Ltd", "Harbour Ledger"),
        ("Marks and Spencer Group p.l.c.", "Marks and Spencer Group"),
        ("Booking.com", "Booking.com"),
        ("Limited", "Limited"),
    ],
)
def test_a_company_is_called_without_its_legal_form(name: str, short: str) -> None:
    assert short_name(name) == short


def test_nothing_from_outside_stands_in_the_instructions() -> None:
    assert instructions(sheet()) == instructions(sheet(facts=(), names=("Other",)))
    assert "Oakfield" in str(material(sheet()))


def test_seeing_the_same_again_changes_no_hash_and_another_fact_does() -> None:
    first = sheet()
    seen = [fact.model_copy(update={"observed_at": NOW, "good_until": NOW}) for fact in first.facts]
    assert prompt_hash(sheet(facts=seen), "m") == prompt_hash(first, "m")
    assert prompt_hash(sheet(facts=first.facts[1:]), "m") != prompt_hash(first, "m")
    assert prompt_hash(first, None) != prompt_hash(first, "m")
