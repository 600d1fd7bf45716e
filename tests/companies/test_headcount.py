"""Head counts out of dirty text."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.companies.headcount import HeadCount, parse_headcount, size_band
from oppspot_runner.companies.stated_dates import take_dates

COUNTS = [
    ("36,199 (as of the end of March 2013)", 36_199, date(2013, 3, 31), False),
    ("c. 43,000 (2024)", 43_000, date(2024, 1, 1), True),
    ("c.250 (2024)", 250, date(2024, 1, 1), True),
    ("8,923 (2024", 8_923, date(2024, 1, 1), False),
    ("1.2 million", 1_200_000, None, False),
    ("Over 1 million (est.) (Including subsidiaries and franchises)", 1_000_000, None, True),
    ("~500", 500, None, True),
    ("10,001+", 10_001, None, True),
    ("3.0", 3, None, False),
    ("12k", 12_000, None, False),
    ("105.541 (December 31, 2024)", 105_541, date(2024, 12, 31), False),
    ("9 000 (2024)", 9_000, date(2024, 1, 1), False),
    ("2013", 2_013, None, False),
    ("10,000 employees as of February 22, 2022", 10_000, date(2022, 2, 22), False),
    ("3,685 (31.03.2017)", 3_685, date(2017, 3, 31), False),
    ("4,658 (12/2023)", 4_658, date(2023, 12, 1), False),
    ("17,500 ( FTE , end 2023)", 17_500, date(2023, 12, 31), False),
    ("c. 16,000 : 2 (2025)", 16_000, date(2025, 1, 1), True),
    ("14,375 (2023) 13,388 (2022)", 14_375, date(2023, 1, 1), False),
    ("2,050 (non-consolidated) 50,867 (consolidated)", 50_867, None, False),
    ("1,216 (Consolidated 15,922) (March 31, 2010)", 15_922, date(2010, 3, 31), False),
    ("Consolidated : 33,431 Non-consolidated : 8,034", 33_431, None, False),
    ("2,146 (784 temporary workers) (2011)", 2_146, date(2011, 1, 1), False),
]


@pytest.mark.parametrize(("text", "count", "as_of", "approximate"), COUNTS)
def test_the_count_its_day_and_whether_it_is_rough_are_read(
    text: str, count: int, as_of: date | None, approximate: bool
) -> None:
    assert parse_headcount(text) == HeadCount(count, None, as_of, approximate)


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("10-50", "10-50"),
        ("51–200", "51-200"),
        ("10 to 50 employees", "10-50"),
        ("1,001-5,000", "1001-5000"),
        ("1k-5k", "1000-5000"),
        ("6,000 - 8,000 (2022)", "6000-8000"),
    ],
)
def test_a_range_is_kept_as_a_band(text: str, band: str) -> None:
    found = parse_headcount(text)
    assert found is not None
    assert (found.count, found.band) == (None, band)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "0",
        "0.0",
        0,
        0.0,
        None,
        True,
        -5,
        "-5",
        2.5,
        "2.5",
        "3.000",  # three, or three thousand
        "1-5k",  # from one, or from a thousand
        "12,5",
        "1e5",
        float("nan"),
        float("inf"),
        "99999999999",
        "9" * 400,
        "9" * 400 + " million",
        10**400,
        "50-10",
        "1,229 employees in Belgium and 955 in Germany",
        "3,600 full time; 1,100 part-time (2023)",
        "1,500 Year-round 2,500 Seasonal",
        "one",
        "x" * 1_000,
        [],
        {},
    ],
)
def test_what_is_unclear_is_no_head_count(value: object) -> None:
    assert parse_headcount(value) is None


@pytest.mark.parametrize(
    ("count", "band"),
    [(1, "1-10"), (10, "1-10"), (11, "11-50"), (10_000, "5001-10000"), (10_001, "10001+")],
)
def test_a_count_has_a_size_band(count: int, band: str) -> None:
    assert size_band(count) == band


@given(st.one_of(st.text(max_size=80), st.floats(), st.integers(), st.none(), st.booleans()))
@settings(max_examples=500, deadline=None)
def test_anything_gives_a_positive_count_a_band_or_nothing(value: object) -> None:
    found = parse_headcount(value)
    if found is not None:
        assert (found.count is None) != (found.band is None)
        assert found.count is None or found.count > 0


@given(st.integers(min_value=1, max_value=20_000_000))
@settings(max_examples=100, deadline=None)
def test_a_count_is_read_back_however_it_is_written(count: int) -> None:
    for text in (str(count), f"{count:,}", f"{count}.0", f"c. {count:,} (2024)", f"~{count}"):
        found = parse_headcount(text)
        assert found is not None, text
        assert found.count == count, text


@given(st.text(alphabet="0123456789 ()/.,-JanuaryendofMarch", max_size=60))
@settings(max_examples=300, deadline=None)
def test_dates_are_taken_out_and_the_length_stays(text: str) -> None:
    rest, dates = take_dates(text)
    assert len(rest) == len(text)
    assert [stated.position for stated in dates] == sorted(stated.position for stated in dates)
