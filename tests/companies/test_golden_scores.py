"""Forty companies with a frozen clock: their scores are in golden_scores.json, reason by reason.

A change of the formula is a change of this file, to be read line by line. To write it again:
`python -m tests.companies.test_golden_scores`.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.companies.company import Company
from oppspot_runner.companies.scoring import Score, score
from oppspot_runner.companies.scoring_model import MODEL, Stage
from oppspot_runner.companies.scoring_parts import Signal
from tests.companies.making import NOW, company, rubric

GOLDEN = Path(__file__).with_name("golden_scores.json")
COMPANIES = 40
GOAL: dict[str, Any] = {
    "industry": ["SaaS", "FinTech"],
    "location": ["UK", "Ireland"],
    "employee_count": {"min": 10, "max": 500},
    "keywords": ["payments"],
    "company_age_years": {"min": 2, "max": 10},
    "tech_stack": ["HubSpot"],
    "must": ["location"],
    "weights": {"industry": 2},
}
STAGES: tuple[Stage, ...] = ("discovery", "enriched", "full")
CHOICES: dict[str, list[Any]] = {
    "country": ["GB", "GB", "GB", "GB", "IE", "IE", "US", None],
    "town": ["Leeds", "Dublin", None],
    "industries": [("saas",), ("fintech", "b2b"), ("saas", "fintech"), ("music",), ()],
    "sic_codes": [("62012",), ("62012",), ("64191",), ("10110",), (), (), (), ("99999",)],
    "employees": [5, 9, 10, 120, 200, 500, 707, 1_000, None],
    "employees_band": [None, None, "11-50", "501-1000"],
    "founded_year": [1999, 2019, 2022, 2025, None],
    "description": ["We make payments easy", "Live music", None],
    "website": ["https://a.example", "https://b.example", None],
    "linkedin_url": ["https://l.example", None],
    "phone": ["+44 113 000 0000", None],
    "email": ["hello@a.example", None],
    "tech": [("HubSpot",), ("Django",), ()],
    "status": [*["active"] * 8, None, None, "dissolved", "liquidation"],
    "company_number": ["01234567", None],
}


def made(number: int) -> tuple[Company, Stage, list[Signal]]:
    """A company, the stage at which it is scored, and its signals; the same for the same number."""
    dice = Random(number)
    values = {name: dice.choice(some) for name, some in CHOICES.items()}
    known = {name: value for name, value in values.items() if value not in (None, ())}
    one = company(
        id=UUID(int=number + 1),
        name=f"Company {number}",
        name_norm=f"company {number}",
        confidence=dice.choice([0.3, 0.6, 0.9, 0.9]),
        age_days=dice.choice([0, 0, 30, 90, 400]),
        **known,
    )
    signals = [
        Signal(kind, strength, 0.8, NOW - timedelta(days=days), "made", f"{kind} seen")
        for kind, strength, days in (("job_posting", 0.75, 3), ("funding_round", 1.0, 200))
        if dice.random() < 0.4
    ]
    return one, STAGES[number % len(STAGES)], signals


def scored(number: int) -> Score:
    one, stage, signals = made(number)
    return score(one, rubric(**GOAL), now=NOW, stage=stage, found_signals=signals)


def shown(number: int) -> dict[str, Any]:
    """A score as it stands in the file."""
    found = scored(number)
    return {
        "company": number,
        "stage": found.stage,
        "score": found.value,
        "priority": found.priority,
        "confidence": found.confidence,
        "parts": found.parts,
        "reasons": [
            f"{one['component']}/{one['factor']}, {one['points']:.2f} of {one['max']:.2f}: "
            f"{one['text']}"
            for one in found.reasons
        ],
        "missing": [hint["text"] for hint in found.missing],
    }


def golden() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize("number", range(COMPANIES))
def test_a_score_is_that_of_the_file(number: int) -> None:
    assert shown(number) == golden()["scores"][number]


def test_the_file_is_of_this_model_and_shows_all_kinds_of_ends() -> None:
    file = golden()
    assert (file["model"], len(file["scores"])) == (MODEL.version, COMPANIES)
    assert {one["stage"] for one in file["scores"]} == set(STAGES)
    assert {one["priority"] for one in file["scores"]} >= {"high", "medium", "low"}
    ruled_out = [one for one in file["scores"] if one["score"] == 0]
    assert 3 <= len(ruled_out) <= 30


if __name__ == "__main__":
    scores = [shown(number) for number in range(COMPANIES)]
    GOLDEN.write_text(json.dumps({"model": MODEL.version, "scores": scores}, indent=1) + "\n")
