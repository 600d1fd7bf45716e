"""Patterns: their tags, their versions, the literal that speeds them up, and their end in time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.websites.fingerprint_files import load_fingerprints
from oppspot_runner.websites.patterns import (
    OutOfTimeError,
    TimeBudget,
    parse_pattern,
    required_literal,
)


def test_tags_follow_the_expression() -> None:
    pattern = parse_pattern(r"acme/([\d.]+)\;version:\1\;confidence:50\;unheard:of")
    assert (pattern.expression, pattern.version, pattern.confidence) == (
        r"acme/([\d.]+)",
        r"\1",
        50,
    )


@pytest.mark.parametrize("confidence", ["", "high", "101", "-1", "5.5"])
def test_a_confidence_that_is_none_is_refused(confidence: str) -> None:
    with pytest.raises(InvalidInputError, match="no whole number up to 100"):
        parse_pattern(rf"x\;confidence:{confidence}")


@pytest.mark.parametrize(
    ("pattern", "text", "version"),
    [
        (r"acme ([\d.]+)\;version:\1", "ACME 6.4.2", "6.4.2"),
        (r"acme(?: ([\d.]+))?\;version:\1", "acme", ""),
        (r"acme(2)?\;version:\1?new:old", "acme2", "new"),
        (r"acme(2)?\;version:\1?new:old", "acme", "old"),
        (r"acme\;version:4", "acme", "4"),
        (r"acme\;version:\7", "acme", ""),
        (r"acme (.*)\;version:\1", "acme " + "9" * 100, ""),
        (r"acme (.*)\;version:\1", "acme 1\x1b[0m", ""),
    ],
)
def test_versions(pattern: str, text: str, version: str) -> None:
    parsed = parse_pattern(pattern)
    match = parsed.search(text, TimeBudget(9))
    assert match
    assert parsed.version_of(match) == version


@pytest.mark.parametrize(
    ("expression", "literal"),
    [
        (r"^https?://js\.stripe\.com/", "://js.stripe.com/"),
        (r"wp-(?:content|includes)/plugins", "/plugins"),
        (r"alpha|beta", ""),
        (r"colou?r", "colo"),
        (r"ab+cdef", "cdef"),
        (r"x{2,3}yz", "yz"),
        (r"[abc]def[^]]ghi", "def"),
        (r"(?=aaaa(b[)])c)dd", "dd"),
        (r"\d\dABC\.d", "abc.d"),
        ("", ""),
    ],
)
def test_the_literal_that_must_be_there(expression: str, literal: str) -> None:
    assert required_literal(expression) == literal


PIECES = st.sampled_from(
    [*"abcx.-/", r"\.", r"\d", "[abc]", "(?:ab|c)", "(x)?", "a+", "b*", "c?", "x{2}", "^", "$", "|"]
)


@given(st.lists(PIECES, max_size=10).map("".join), st.text("abcx.-/0AB", max_size=30))
def test_whatever_matches_has_the_literal_in_it(expression: str, text: str) -> None:
    try:
        match = re.search(expression, text, re.IGNORECASE)
    except re.error:
        return
    if match:
        assert required_literal(expression) in text.lower()


def test_a_search_that_never_ends_is_given_up_and_the_next_one_is_made() -> None:
    budget = TimeBudget(30)
    assert parse_pattern(r"(a+)+$").search("a" * 5_000 + "b", budget) is None
    assert budget.gave_up == ["(a+)+$"]
    assert parse_pattern("b").search("ab", budget)


def test_nothing_is_searched_when_the_time_is_over() -> None:
    with pytest.raises(OutOfTimeError):
        parse_pattern("b").search("ab", TimeBudget(0))


def test_an_expression_that_is_none_matches_nothing() -> None:
    pattern = parse_pattern("(((")
    assert pattern.compiled is None
    assert pattern.search("(((", TimeBudget(9)) is None


def test_all_of_ours_are_expressions_and_none_gives_up_on_a_long_text() -> None:
    own = load_fingerprints()
    assert own.not_compiled() == []
    for text in ("a" * 2_000, "https://" * 250, "/x" * 1_000, "'\"<>&; " * 250):
        budget = TimeBudget(60)
        for _, pattern in own.patterns():
            pattern.search(text, budget)
        assert budget.gave_up == []
