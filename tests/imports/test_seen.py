"""Keys that were met, in little memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.imports.seen import SeenKeys


@given(st.lists(st.text(max_size=3), max_size=200))
@settings(max_examples=100, deadline=None)
def test_it_answers_as_a_set_would(keys: list[str]) -> None:
    seen, known = SeenKeys(), set[str]()
    for key in keys:
        assert seen.add(key) == (key not in known)
        known.add(key)
    assert len(seen) == len(known)


@pytest.mark.slow
def test_a_hundred_thousand_keys_take_at_most_four_megabytes() -> None:
    tracemalloc.start()
    seen = SeenKeys()
    for number in range(100_000):
        seen.add(f"a rather long key of company {number}")
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(seen) == 100_000
    assert size < 4_000_000
