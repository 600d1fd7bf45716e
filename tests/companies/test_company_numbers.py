"""Numbers of the register of the United Kingdom in one form."""

from __future__ import annotations

import pytest

from oppspot_runner.companies.company_numbers import uk_company_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("00445790", "00445790"),
        ("445790", "00445790"),
        (" 0044 5790 ", "00445790"),
        ("sc123456", "SC123456"),
        ("SC 1234", "SC001234"),
        ("ni12345", "NI012345"),
        ("oc300001", "OC300001"),
        ("R0000123", "R0000123"),
        ("R123", "R0000123"),
        ("IP28848R", "IP28848R"),
        ("SP2736RS", "SP2736RS"),
        ("", None),
        ("123456789", None),
        ("SC1234567", None),
        ("ABCDEFGH", None),
        ("not a number", None),
        ("0044579/", None),
        ("٠٠٤٤٥٧٩٠", None),
        ("../12345", None),
    ],
)
def test_a_number_has_one_form(text: str, number: str | None) -> None:
    assert uk_company_number(text) == number


def test_the_form_of_a_number_is_the_number() -> None:
    for text in ("445790", "sc 1234", "R123"):
        number = uk_company_number(text)
        assert number is not None
        assert uk_company_number(number) == number
