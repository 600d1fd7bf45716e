"""Rates: read as people write them, and written as people would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.rate import starts_per_second, written_rate


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10/s", "10/s"),
        (" 100 / m ", "100/m"),
        ("7/m", "7/m"),
        ("600/h", "10/m"),
        ("5/d", "5/d"),
        ("90/5m", "18/m"),
        ("1.5/s", "90/m"),
        ("0.7/s", "42/m"),
        ("999999/s", "999999/s"),
        ("1/7s", "8.571429/m"),
        ("0.001/d", "0.001/d"),
    ],
)
def test_a_rate_is_shown_in_the_unit_in_which_it_is_whole(text: str, shown: str) -> None:
    assert written_rate(starts_per_second(text)) == shown


@given(st.integers(1, 999_999), st.integers(1, 99_999), st.sampled_from("smhd"))
def test_what_is_shown_means_what_was_written(number: int, units: int, unit: str) -> None:
    given_rate = starts_per_second(f"{number}/{units}{unit}")
    shown = written_rate(given_rate)
    assert starts_per_second(shown) == pytest.approx(given_rate, rel=1e-6, abs=1e-11)


NO_RATES = ["", "10", "10/", "/s", "0/s", "-1/s", "1/0s", "10/y", "1e3/s", "\u0663/s", "3\u00a0/s"]


@pytest.mark.parametrize("text", NO_RATES)
def test_other_texts_are_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        starts_per_second(text)
    assert "10/s" in caught.value.one_line()
