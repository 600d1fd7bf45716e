"""Any Python value becomes something that JSON and Postgres can hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from oppspot_runner.base.jsonsafe import clean, clean_text, cut_to_size, dumps

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.decimals()
    | st.uuids(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.sets(st.text(), max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=20,
)


@pytest.mark.slow
@given(ANYTHING)
def test_whatever_it_is_it_can_be_sent_and_cleaning_again_changes_nothing(value: Any) -> None:
    cleaned = clean(value)
    text = dumps(cleaned)
    assert "\\u0000" not in text
    assert "\x00" not in text
    text.encode("utf-8")
    assert clean(json.loads(text)) == json.loads(text)


class Colour(Enum):
    RED = "red"


class Model(BaseModel):
    n: int


@dataclass
class Pair:
    a: int


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (float("nan"), None),
        (float("inf"), None),
        ((1, 2), [1, 2]),
        (Decimal("1.10"), "1.10"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (timedelta(seconds=90), 90.0),
        (UUID(int=1), str(UUID(int=1))),
        (Colour.RED, "red"),
        (Model(n=1), {"n": 1}),
        (Pair(1), {"a": 1}),
        (b"\xff\x00a", "\ufffda"),
        ({1: "x", None: "y"}, {"1": "x", "None": "y"}),
        ("a\x00b\ud800c", "ab?c"),
    ],
)
def test_forms(value: Any, form: Any) -> None:
    assert clean(value) == form


def test_a_number_too_long_to_be_read_back_is_cut() -> None:
    assert clean(10**5000) == "... [cut]"
    assert clean(10**3000) == 10**3000


def test_deep_nesting_ends_with_a_mark() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    dumps(clean(deep))


def test_text_is_cut_with_a_mark() -> None:
    assert clean_text("x" * 50, most=20) == "x" * 11 + "... [cut]"


def test_what_is_too_big_keeps_its_small_values() -> None:
    kept, text = cut_to_size({"n": 1, "text": "x" * 10_000}, 5_000)
    assert kept["n"] == 1
    assert kept["_cut"]["bytes"] > 10_000
    assert len(text) < 5_000
    assert text == dumps(kept)
