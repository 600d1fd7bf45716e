"""Names that are alike enough for somebody to look."""

from __future__ import annotations

import sys
from uuid import UUID

import pytest

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.companies import duplicates
from oppspot_runner.companies.duplicates import Named, alike


def place(*names: str, numbers: dict[int, str] | None = None) -> list[Named]:
    """Companies of one place; their ids are their places in `names`."""
    known = numbers or {}
    return [Named(UUID(int=at), name, known.get(at)) for at, name in enumerate(names)]


def pairs(named: list[Named]) -> set[tuple[int, int]]:
    return {(pair.one.int, pair.other.int) for pair in alike(named)}


def test_the_order_of_words_and_a_letter_do_not_matter_another_word_does() -> None:
    found = pairs(
        place("harbour ledger", "ledger harbour", "harbor ledger", "harbour kitchen", "blue ledger")
    )
    assert found == {(0, 1), (0, 2), (1, 2)}


def test_a_name_that_holds_another_one_is_not_alike() -> None:
    assert pairs(place("acme", "acme catering services")) == set()


def test_two_numbers_are_two_companies() -> None:
    named = place("harbour ledger", "harbour ledgers", "harbour ledger", numbers={0: "1", 1: "2"})
    assert pairs(named) == {(2, 0), (2, 1)}


def test_a_large_place_is_compared_by_how_the_sorted_words_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(duplicates, "MOST_COMPARED", 3)
    named = place("north star foods", "foods north star", "oak mill", "oak mills", "pine", "fern")
    assert pairs(named) == {(0, 1), (2, 3)}


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidfuzz.fuzz", None)
    with pytest.raises(ConfigurationError, match="rapidfuzz"):
        list(alike(place("a", "b")))
