"""What comes back from a worker through the database: values with their types, and no code."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from oppspot_runner.backends import crossing
from oppspot_runner.backends.backend import Result
from oppspot_runner.backends.typed_json import UnportableError, pack, unpack
from oppspot_runner.base.outcome import Done, Fail, Outcome, Retry, Snooze


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Found:
    at: datetime
    colour: Colour
    rest: Any = None


class Sheet(BaseModel):
    name: str
    rows: tuple[Decimal, ...]


TEXT = st.text('ab$ "\\\n\x7fäß漢😀')
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    TEXT,
    st.binary(),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.just(Colour.RED),
)
FINITE = st.decimals(allow_nan=False, allow_infinity=False)
KEYS = st.one_of(TEXT, st.just("$"), st.integers(), st.tuples(st.integers(), TEXT))
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner),
        st.frozensets(PLAIN.filter(lambda one: one is not Colour.RED)),
        st.builds(Found, st.datetimes(), st.just(Colour.RED), inner),
        st.builds(Sheet, name=TEXT, rows=st.tuples(FINITE)),
    ),
    max_leaves=8,
)


@settings(max_examples=60)
@given(VALUES)
def test_values_are_the_same_where_they_arrive(value: Any) -> None:
    arrived = unpack(json.loads(json.dumps(pack(value))))
    assert arrived == value
    assert type(arrived) is type(value)


def test_what_arrives_loads_no_module_and_calls_nothing() -> None:
    assert "antigravity" not in sys.modules
    for name in ("antigravity:fly", "subprocess:Popen", "builtins:eval", "nowhere:Class"):
        with pytest.raises(UnportableError, match="there is no class"):
            unpack({"$": [name, {"args": ["true"]}]})
    assert "antigravity" not in sys.modules
    assert subprocess.Popen is not None


@pytest.mark.parametrize(
    "outcome",
    [
        Done({"a": [1, None]}),
        Retry("odd", after_s=2.5, output={"b": 1}, kind="ValueError"),
        Snooze("night", until=datetime(2026, 1, 1, tzinfo=UTC)),
        Fail("no address", kind="Fail"),
    ],
)
def test_outcomes_and_counts_come_back(outcome: Outcome) -> None:
    written = json.loads(json.dumps(crossing.to_json(Result(outcome), [{"steps": 2}])))
    read = crossing.from_json(written)
    assert read == Result(outcome, metrics=({"steps": 2},))
    assert getattr(read.outcome, "kind", None) == getattr(outcome, "kind", None)


def test_each_of_a_batch_and_what_is_to_be_saved_come_back() -> None:
    assert crossing.from_json(crossing.to_json(Result(Done(), each=(Done(), Fail("x"))))).each == (
        Done(),
        Fail("x"),
    )
    saver: Any = SimpleNamespace(found=Found(datetime(2026, 1, 1), Colour.RED), ctx=object())
    read = crossing.from_json(crossing.to_json(Result(Done({"a": 1}), {"day": date.min}, saver)))
    assert (read.value, read.state) == ({"day": date.min}, {"found": saver.found})


def test_what_cannot_come_back_is_an_error_that_says_what() -> None:
    saver: Any = SimpleNamespace(fine=time.min, delta=timedelta(1), lock=threading.Lock())
    read = crossing.from_json(crossing.to_json(Result(Done(), UUID(int=0), saver)))
    assert isinstance(read.outcome, Fail)
    assert read.outcome.error.startswith("the agent's attribute 'lock' cannot leave the worker")
    read = crossing.from_json({"outcome": ["Done"]})
    assert isinstance(read.outcome, Retry)
    assert "what the worker returned cannot be read" in read.outcome.error
