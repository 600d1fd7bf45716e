"""What each criterion makes of known, unknown and unwanted values."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.companies.making import NOW, company, rubric


def match(criterion: str, wanted: Any, **values: Any) -> float | None:
    return rubric(**{criterion: wanted}).judge(company(**values), NOW)[criterion].match


@pytest.mark.parametrize(
    ("criterion", "wanted", "values", "expected"),
    [
        ("industry", ["SaaS"], {"industries": ("saas",)}, 0.8),
        ("industry", ["SaaS", "FinTech"], {"industries": ("health", "payments")}, 0.8),
        ("industry", ["SaaS"], {"sic_codes": ("62012",)}, 0.6),
        ("industry", ["SaaS"], {"sic_codes": ("62012",), "industries": ("saas",)}, 1.0),
        ("industry", ["SaaS"], {"industries": ("health",)}, 0.0),
        ("industry", ["SaaS"], {}, None),
        ("industry", ["SaaS"], {"description": "Software as a service for cafes"}, 0.8),
        ("industry", ["SaaS"], {"description": "Live music"}, None),
        ("location", ["UK", "Ireland"], {"country": "IE"}, 1.0),
        ("location", ["UK"], {"country": "US"}, 0.0),
        ("location", ["UK"], {}, None),
        ("location", ["London"], {"country": "GB", "town": "London"}, 1.0),
        ("location", ["London"], {"country": "GB", "town": "Leeds"}, 0.0),
        ("location", ["London"], {"country": "GB"}, None),
        ("sic_codes", ["62"], {"sic_codes": ("62012",)}, 1.0),
        ("sic_codes", ["62"], {"sic_codes": ("64191",)}, 0.0),
        ("sic_codes", ["62"], {}, None),
        ("tech_stack", ["HubSpot"], {"tech": ("hubspot",)}, 1.0),
        ("tech_stack", ["C"], {"tech": ("C++", "C#")}, 0.0),
        ("tech_stack", ["HubSpot"], {}, None),
        ("keywords", ["payments"], {"description": "We make Payments easy"}, 1.0),
        ("keywords", ["pay"], {"description": "We make payments easy"}, 0.0),
        ("keywords", ["payments"], {}, None),
        ("company_status", ["active"], {"status": "active"}, 1.0),
        ("company_status", ["active"], {"status": "acquired"}, 0.0),
        ("company_status", ["active"], {}, None),
        ("company_age_years", {"min": 2}, {"incorporated": date(2024, 5, 31)}, 1.0),
        ("company_age_years", {"min": 2}, {"incorporated": date(2025, 5, 31)}, 0.0),
        ("company_age_years", {"max": 4}, {"founded_year": 2018}, 0.0),
        ("company_age_years", {"min": 2}, {}, None),
        ("funding_stage", ["Series A"], {"facts": {"funding_stage": "series_a"}}, 1.0),
        ("funding_stage", ["seed"], {"facts": {"funding_stage": "series_a"}}, 0.0),
        ("funding_stage", ["seed"], {"facts": {"funding_stage": 7}}, None),
        ("growth_rate", {"min": 20}, {"facts": {"growth_rate": 40}}, 1.0),
        ("growth_rate", {"min": 20}, {"facts": {"growth_rate": -5}}, 0.0),
        ("growth_rate", {"min": 20}, {"facts": {"growth_rate": "fast"}}, None),
        ("revenue", {"min": 1000}, {"facts": {"revenue": 2000}}, 1.0),
        ("revenue", {"min": 1000}, {"facts": {"revenue": 10**400}}, None),
        (
            "revenue",
            {"min": 1000, "currency": "GBP"},
            {"facts": {"revenue": {"amount": 2000, "currency": "GBP"}}},
            1.0,
        ),
        (
            "revenue",
            {"min": 1000, "currency": "GBP"},
            {"facts": {"revenue": {"amount": 2000, "currency": "USD"}}},
            None,
        ),
        ("revenue", {"min": 1000, "currency": "GBP"}, {"facts": {"revenue": 2000}}, None),
        ("signals", ["job_posting"], {}, None),
    ],
)
def test_the_match_of_a_value(
    criterion: str, wanted: Any, values: dict[str, Any], expected: float | None
) -> None:
    assert match(criterion, wanted, **values) == expected
