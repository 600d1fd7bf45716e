"""Names of companies in one form."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.companies.names import MOST_NAME, clean_name, legal_forms, normalise_name

NAMES = [
    ("The Café & Bar (UK) PUBLIC LIMITED COMPANY", "cafe and bar"),
    ("Smith & Co", "smith"),
    ("Smith and Company Ltd.", "smith"),
    ("Nestlé S.A.", "nestle"),
    ("L'Oréal S.A.", "loreal"),
    ("Sainsbury’s (J) PLC", "sainsburys j"),
    ("Dŵr Cymru Cyfyngedig", "dwr cymru"),
    ("Clwb Bach CYF", "clwb bach"),
    ("Helping Hands Community Interest Company", "helping hands"),
    ("Helping Hands C.I.C.", "helping hands"),
    ("Bord Gais Designated Activity Company", "bord gais"),
    ("Glanbia Teoranta", "glanbia"),
    ("A.P. Møller - Mærsk A/S", "ap moller maersk"),
    ("Bayerische Motoren Werke Aktiengesellschaft", "bayerische motoren werke"),
    ("Toyota Motor Co., Ltd.", "toyota motor"),
    ("Straßen GmbH & Co. KG", "strassen"),
    ("X.com Corp.", "x com"),
    ("トヨタ自動車", "トヨタ自動車"),
    ("가나다", "가나다"),
]


@pytest.mark.parametrize(("name", "normal"), NAMES)
def test_legal_form_accents_case_and_punctuation_go(name: str, normal: str) -> None:
    assert normalise_name(name) == normal


@pytest.mark.parametrize("name", ["Limited", "The", "The Limited", "GmbH & Co. KG", "PLC"])
def test_a_name_that_is_only_a_legal_form_keeps_a_word(name: str) -> None:
    assert normalise_name(name)


@pytest.mark.parametrize("name", ["", "   ", "!!!", "&"])
def test_a_name_without_letters_gives_what_is_left_of_it(name: str) -> None:
    assert normalise_name(name) in ("", "and")


def test_different_companies_stay_different() -> None:
    assert normalise_name("3i Group plc") != normalise_name("3i Infrastructure plc")
    assert normalise_name("Alpha Holdings Ltd") != normalise_name("Alpha Ltd")


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_normalising_twice_changes_nothing(name: str) -> None:
    once = normalise_name(name)
    assert normalise_name(once) == once
    assert len(once) <= MOST_NAME


@given(st.text(max_size=40), st.sampled_from(["Ltd", "Limited", "PLC", "GmbH", "S.A.", "DAC"]))
@settings(max_examples=200, deadline=None)
def test_a_legal_form_at_the_end_changes_nothing(name: str, form: str) -> None:
    alone = normalise_name(name)
    if alone and tuple(alone.split()) not in legal_forms()[0]:
        assert normalise_name(f"{name} {form}") == alone


@given(st.text(alphabet=st.characters(codec=None), max_size=100))
@settings(max_examples=300, deadline=None)
def test_a_clean_name_is_one_line_of_valid_text(name: str) -> None:
    cleaned = clean_name(name)
    assert cleaned == cleaned.strip()
    assert not set(cleaned) & {"\x00", "\n", "\t", "\x1f"}
    cleaned.encode()
