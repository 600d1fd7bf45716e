"""Waiting times of retries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from oppspot_runner.base.backoff import Backoff


def test_1_2_4_up_to_60_seconds() -> None:
    assert [Backoff().delay_s(n) for n in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(0, 10**9), st.booleans())
def test_it_stays_between_0_and_the_most(retries: int, jitter: bool) -> None:
    assert 0 <= Backoff(jitter=jitter).delay_s(retries) <= 60
