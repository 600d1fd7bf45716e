"""Head counts out of dirty text."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.companies.headcount import HeadCount, parse_headcount, size_band
from oppspot_runner.companies.stated_dates import take_dates

# Forms found in lists that can be imported; the day is the first of the period that is stated.
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
    ("12,700 (2024)", 12_700, date(2024, 1, 1), False),
    ("144400", 144_400, None, False),
    ("414,000", 414_000, None, False),
    ("31,360 (November 2025)", 31_360, date(2025, 11, 1), False),
    ("7,190 (September 30, 2025)", 7_190, date(2025, 9, 30), False),
    ("1,973 (end 2021)", 1_973, date(2021, 12, 31), False),
    ("46,751 (consolidated, as of March 31, 2022)", 46_751, date(2022, 3, 31), False),
    ("360,000+ (2025)", 360_000, date(2025, 1, 1), True),
    ("15,168 (consolidated as of March 31, 2014)", 15_168, date(2014, 3, 31), False),
    ("3,167 (average, 2021)", 3_167, date(2021, 1, 1), False),
    ("23,299 (December, 2024)", 23_299, date(2024, 12, 1), False),
    ("34,862 (FY 2024)", 34_862, date(2024, 1, 1), False),
    ("20,000 (Dec 2018)", 20_000, date(2018, 12, 1), False),
    ("73,017 (as of 31 March 2013)", 73_017, date(2013, 3, 31), False),
    ("approx. 4,200 (November 2025)", 4_200, date(2025, 11, 1), True),
    ("Approximately 2,000", 2_000, None, True),
    (">4,100 (2023)", 4_100, date(2023, 1, 1), True),
    ("190,820 (Dec. 2025)", 190_820, date(2025, 12, 1), False),
    ("17,435 (as of May 2023)", 17_435, date(2023, 5, 1), False),
    ("10,660 (31 December 2019)", 10_660, date(2019, 12, 31), False),
    ("14,000 (2024 )", 14_000, date(2024, 1, 1), False),
    ("13,609 (consolidated)(as of March 31, 2014)", 13_609, date(2014, 3, 31), False),
    ("more than 25,000 (2025)", 25_000, date(2025, 1, 1), True),
    ("102,762 including subsidiaries (Mar. 2018)", 102_762, date(2018, 3, 1), False),
    ("3 500", 3_500, None, False),
    ("18,985 (2022 1Q)", 18_985, date(2022, 1, 1), False),
    ("15,260 (as of 30th Sept 2019)", 15_260, date(2019, 9, 30), False),
    ("649 (2023) 733 (2022)", 649, date(2023, 1, 1), False),
    ("c. 27,000+ (2021)", 27_000, date(2021, 1, 1), True),
    ("145,000 (2022) (78,000 in France in 2026 )", 145_000, date(2022, 1, 1), False),
    ("15,835 ( FTE , mid 2025)", 15_835, date(2025, 1, 1), False),
    ("7 (average, 2024)", 7, date(2024, 1, 1), False),
    ("8,300 Globally", 8_300, None, False),
    ("3,748 (June 30, 2023)[", 3_748, date(2023, 6, 30), False),
    ("3,811(2025)", 3_811, date(2025, 1, 1), False),
    ("8,056 (44,495 consolidated)", 44_495, None, False),
    ("42,325 (full-time equivalents at 31 December 2024)", 42_325, date(2024, 12, 31), False),
    ("1,193 (FY SEP 30 2023)", 1_193, date(2023, 9, 30), False),
    (
        "4,477 (March 31, 2025) 62,062 (March 31, 2025, including subsidiaries)",
        62_062,
        date(2025, 3, 31),
        False,
    ),
    (
        "116 (holding company) 49,480 (group) (as of March 31, 2025)",
        49_480,
        date(2025, 3, 31),
        False,
    ),
    ("~16,700 (FY December 29, 2020)", 16_700, date(2020, 12, 29), True),
    ("535 (2022) : 13", 535, date(2022, 1, 1), False),
    ("17,229 (As of April 1, 2023)", 17_229, date(2023, 4, 1), False),
    (
        "21,834 (Japan – 9,634) (World – 12,200) (March 31st, 2024 )",
        21_834,
        date(2024, 3, 31),
        False,
    ),
    ("1,400+ in 2025", 1_400, date(2025, 1, 1), True),
    ("17,666 (2023 average)", 17_666, date(2023, 1, 1), False),
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
        "73 (Investor AB only, 2021)",  # the parent company, not the group
        "1,359 (Bank only)",
        "319,565 (2021) 191,707 ( Europe ) 115,310 ( Americas ) 12,548 ( Asia )",
        "41,400 (corporate) 260,300 (2024)",
        "30,000 (FTE 2021) 600,000 workers (2021)",
        "100,153 (total) 22,375 (non-consolidated) 77,778 (consolidated)",
        "49,578 (2019) 18,378 in United States 5,350 in Japan",
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
