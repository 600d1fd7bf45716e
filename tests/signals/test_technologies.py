"""What changed between reads of a home page."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.signals.technologies import Stack, changes

NAMES = st.frozensets(st.sampled_from(["HubSpot", "Stripe", "React", "PHP", "Intercom"]))
STACKS = st.builds(lambda own, others: Stack(own, others - own), NAMES, NAMES)


def stack(own: str, others: str = "") -> Stack:
    return Stack(frozenset(own.split()), frozenset(others.split()))


def test_what_comes_is_added_and_what_goes_is_dropped_when_it_stays_away() -> None:
    first = changes(stack("HubSpot React"), stack("React Stripe"))
    assert (first.added, first.dropped) == (["Stripe"], [])
    second = changes(first.stack, stack("React Stripe"))
    assert (second.added, second.dropped) == ([], ["HubSpot"])
    third = changes(second.stack, stack("React Stripe HubSpot"))
    assert (third.added, third.dropped) == (["HubSpot"], [])


def test_what_one_read_missed_neither_went_nor_came() -> None:
    missed = changes(stack("HubSpot React"), stack("React"))
    back = changes(missed.stack, stack("HubSpot React"))
    assert [missed.added, missed.dropped, back.added, back.dropped] == [[], [], [], []]
    assert back.stack == stack("HubSpot React")


def test_what_follows_from_others_or_is_on_another_page_is_no_change() -> None:
    alone = changes(stack("WordPress", "PHP Greenhouse"), stack("WordPress"))
    assert (alone.added, alone.dropped) == ([], [])
    moved = changes(stack("WordPress", "PHP"), stack("WordPress PHP"))
    assert (moved.added, moved.dropped) == ([], [])
    assert changes(stack("WordPress"), stack("WordPress", "Greenhouse")).added == []


def test_a_fact_says_what_stands_for_itself() -> None:
    stated = [
        {"name": "WordPress", "categories": ["cms"]},
        {"name": "PHP", "implied_by": "WordPress"},
        {"name": "Greenhouse", "page": "careers"},
    ]
    found = Stack.stated(stated)
    assert found == stack("WordPress", "PHP Greenhouse")
    assert Stack.remembered(found.as_json()) == found


@pytest.mark.slow
@settings(max_examples=100)
@given(st.lists(STACKS, min_size=2, max_size=8))
def test_nothing_comes_that_was_there_or_goes_that_is_there(reads: list[Stack]) -> None:
    there, before = reads[0], reads[0]
    tools = set(before.own)
    for read in reads[1:]:
        found = changes(before, read)
        shown = read.own | read.others
        assert set(found.added) <= read.own - there.own - there.others
        assert not set(found.dropped) & shown
        assert not set(found.dropped) & (there.own | there.others)  # two reads miss it
        tools = (tools | set(found.added)) - set(found.dropped)
        assert Stack.remembered(found.stack.as_json()) == found.stack
        there, before = read, found.stack
