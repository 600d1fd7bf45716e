"""Which values of facts fit the column of their field."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from oppspot_runner.companies.company import FACT_FIELDS
from oppspot_runner.companies.fact_values import CHECKS, fitting

MISFITS: list[tuple[str, Any]] = [
    ("employees", "many"),
    ("employees", 0),
    ("employees", 10**30),
    ("employees", True),
    ("employees", 1.5),
    ("country", "Atlantis"),
    ("country", "gb"),
    ("domain", "no domain"),
    ("domain", "Acme.com"),
    ("employees_band", "some"),
    ("employees_band", "9" * 12 + "+"),
    ("founded_year", 3),
    ("incorporated", "yesterday"),
    ("industries", "fintech"),
    ("industries", ["a", 7]),
    ("industries", []),
    ("links", ["x"]),
    ("links", {"github": 7}),
    ("status", "ACTIVE"),
    ("phone", " "),
    ("website", "x" * 3_000),
    ("name", "Another name"),
    ("company_number", "00000001"),
    ("colour", "red"),
]


@pytest.mark.parametrize(("field", "value"), [*MISFITS, ("town", "a\x00b"), ("town", "\ud800")])
def test_a_value_that_does_not_fit_is_no_value(field: str, value: Any) -> None:
    assert fitting(field, value) is None


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("employees", 12, 12),
        ("country", "GB", "GB"),
        ("domain", "acme.co.uk", "acme.co.uk"),
        ("employees_band", "10001+", "10001+"),
        ("incorporated", "2015-03-04", date(2015, 3, 4)),
        ("industries", ["fintech", " saas "], ("fintech", "saas")),
        ("links", {"github": "https://g.test", "x": 7}, {"github": "https://g.test"}),
        ("town", " London ", "London"),
    ],
)
def test_a_value_that_fits_has_the_form_of_its_column(
    field: str, value: Any, expected: Any
) -> None:
    assert fitting(field, value) == expected


def test_every_field_that_facts_may_fill_has_a_check() -> None:
    assert set(CHECKS) | {"company_number"} == set(FACT_FIELDS)
