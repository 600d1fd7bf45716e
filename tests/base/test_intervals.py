"""Confidence intervals, against published and exactly computed ones."""

from __future__ import annotations

import random

import pytest

from oppspot_runner.base.intervals import Interval, of_mean, of_share


@pytest.mark.parametrize(
    ("successes", "of", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17, 857-872), table I: method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_a_share(successes: int, of: int, low: float, high: float) -> None:
    found = of_share(successes, of)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_a_difference_of_shares() -> None:
    # Newcombe 1998 (Statistics in Medicine 17, 873-890), table II: method 10, (a) and (e).
    for (one, of), (two, of_two), low, high in (
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
    ):
        first, second = of_share(one, of), of_share(two, of_two)
        assert first is not None
        assert second is not None
        found = first.minus(second)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_a_mean_lies_within_it_19_times_of_20() -> None:
    chance = random.Random(5)
    hits = 0
    for _ in range(2000):
        sample = [chance.gauss(10, 3) for _ in range(40)]
        mean = sum(sample) / 40
        deviation = (sum((one - mean) ** 2 for one in sample) / 39) ** 0.5
        found = of_mean(mean, deviation, 40)
        assert found is not None
        hits += found.low <= 10 <= found.high
    assert 0.92 < hits / 2000 < 0.97


def test_of_nothing_nothing_is_known() -> None:
    assert of_share(0, 0) is None
    assert of_mean(1.0, 0.0, 1) is None


def test_certain_ones() -> None:
    assert of_mean(2.0, 0.0, 5) == Interval(2.0, 2.0, 2.0)
    for successes in (0, 7):
        found = of_share(successes, 7)
        assert found is not None
        assert 0 <= found.low <= found.value <= found.high <= 1
