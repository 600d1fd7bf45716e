"""Growth of head counts, and when nothing can be said about it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from oppspot_runner.companies.growth import Growth, StatedCount, yearly_growth

NOW = date(2025, 3, 31)


def counts(*pairs: tuple[int, int]) -> list[StatedCount]:
    """Head counts, each with the days before NOW for which it is stated."""
    return [StatedCount(NOW - timedelta(days=days), count) for days, count in pairs]


@pytest.mark.parametrize(
    ("stated", "percent"),
    [
        ([(0, 15), (365, 12)], 25.0),
        ([(0, 12), (365, 15)], -20.0),
        ([(0, 10), (365, 10)], 0.0),
        ([(0, 0), (365, 10)], -100.0),
        ([(0, 40), (730, 10)], 100.0),
        ([(0, 20), (180, 10)], 307.8),
        ([(730, 3), (0, 15), (365, 12)], 25.0),
        ([(0, 20_000_000), (180, 3)], 1_000_000.0),
    ],
)
def test_growth_is_percent_a_year_between_the_two_newest(
    stated: list[tuple[int, int]], percent: float
) -> None:
    assert yearly_growth(counts(*stated)).percent == percent


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ([], "no observation"),
        ([(0, 12)], "one observation"),
        ([(0, 12), (179, 10)], "179 days between the counts, at least 180 are needed"),
        ([(0, 12), (365, 2)], "2 people before, a share of less than 3 says nothing"),
        ([(0, 12), (365, 0)], "0 people before, a share of less than 3 says nothing"),
    ],
)
def test_where_too_little_is_known_there_is_a_reason_and_no_number(
    stated: list[tuple[int, int]], reason: str
) -> None:
    assert yearly_growth(counts(*stated)) == Growth(None, reason)


def test_the_reason_names_both_counts() -> None:
    growth = yearly_growth(counts((0, 15), (365, 12)))
    assert growth.reason == "12 until 2024-03-31, 15 until 2025-03-31"
