"""Waiting times of retries."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppspot_runner.base.backoff import MOST_FACTOR, MOST_S, Backoff
from oppspot_runner.base.errors import InvalidInputError


def test_1_2_4_up_to_60_seconds() -> None:
    assert [Backoff().delay_s(n) for n in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(0, 10**9), st.booleans())
def test_it_stays_between_0_and_the_most(retries: int, jitter: bool) -> None:
    assert 0 <= Backoff(jitter=jitter).delay_s(retries) <= 60


@given(
    st.integers(0, int(MOST_S)) | st.floats(0, MOST_S),
    st.integers(1, int(MOST_FACTOR)) | st.floats(1, MOST_FACTOR),
    st.integers(0, int(MOST_S)) | st.floats(0, MOST_S),
    st.integers(0, 2000),
)
def test_whatever_it_is_told_waits_only_grow(
    first: float, factor: float, most: float, retries: int
) -> None:
    backoff = Backoff(first, factor, most)
    now, later = backoff.delay_s(retries), backoff.delay_s(retries + 1)
    assert isinstance(now, float)
    assert min(first, most) <= now <= later <= most


@pytest.mark.parametrize("key", ["first_s", "factor", "most_s"])
@pytest.mark.parametrize("value", ["1", None, True, [], -1, float("nan"), float("inf"), 10**400])
def test_what_is_no_number_of_seconds_is_refused(key: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"{key.removesuffix('_s')} is "):
        Backoff(**{key: value})


def test_jitter_is_yes_or_no() -> None:
    with pytest.raises(InvalidInputError, match="jitter is 'no', not true or false"):
        Backoff(jitter="no")  # type: ignore[arg-type]
