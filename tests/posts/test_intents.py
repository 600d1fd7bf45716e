"""What somebody seems to want, phrase by phrase."""

from __future__ import annotations

import pytest

from oppspot_runner.posts.intents import IntentRules
from tests.posts.making import post

# title, text, the rules that match with their words and place
TABLE = [
    ("Alternative to Acme?", "", [("alternative", "Alternative to", "title")]),
    ("What are good alternatives  to\nAcme", "", [("alternative", "alternatives to", "title")]),
    ("We are LOOKING FOR a CRM", "", [("looking_for", "LOOKING FOR", "title")]),
    ("CRM for ten people", "In search of one.", [("looking_for", "In search of", "text")]),
    ("Can anyone recommend a CRM?", "", [("recommend", "recommend", "title")]),
    ("CRM recommendations", "", [("recommend", "recommendations", "title")]),
    ("Any suggestions?", "", [("recommend", "Any suggestions", "title")]),
    ("What do you use for invoices?", "", [("recommend", "What do you use for", "title")]),
    ("Switching from Acme to Bolt", "", [("switching", "Switching from", "title")]),
    ("Why we moved away from Acme", "", [("switching", "moved away from", "title")]),
    ("We migrated from Acme", "", [("switching", "migrated from", "title")]),
    (
        "Looking for an alternative to Acme",
        "recommendations please",
        [
            ("alternative", "alternative to", "title"),
            ("looking_for", "Looking for", "title"),
            ("recommend", "recommendations", "text"),
        ],
    ),
    ("looking for looking for", "looking for", [("looking_for", "looking for", "title")]),
    ("I'm not looking for a CRM", "", []),
    ("I am no longer looking for a CRM", "", []),
    ("I would never recommend Acme", "", []),
    ("Don’t really recommend it", "", []),
    ("We can't recommend Acme", "", []),
    ("Not what I wanted", "so I am looking for another one", [
        ("looking_for", "looking for", "text")
    ]),
    ("I do not recommend Acme. Can you recommend a CRM?", "", [
        ("recommend", "recommend", "title")
    ]),
    ("Overlooking forests", "", []),
    ("The alternatives", "are told apart", []),
    ("", "", []),
]  # fmt: skip


@pytest.mark.parametrize(("title", "text", "expected"), TABLE)
def test_phrases_become_intents(title: str, text: str, expected: list[tuple[str, ...]]) -> None:
    found = IntentRules().found_in(post(title, text=text))
    assert [(one.rule, one.words, one.place) for one in found] == expected


def test_own_rules_join_replace_and_switch_off_the_built_in_ones() -> None:
    rules = IntentRules(
        {"outage": ["is down", "outage*"], "recommend": ["tips for"], "looking_for": []}
    )
    found = rules.found_in(post("Acme is down, looking for tips for outages, recommend one"))
    assert [(one.rule, one.words) for one in found] == [
        ("recommend", "tips for"),
        ("outage", "is down"),
    ]


@pytest.mark.parametrize("phrase", ["", "  ", "*", "* *"])
def test_a_phrase_without_a_word_finds_nothing(phrase: str) -> None:
    assert IntentRules({"empty": [phrase]}).found_in(post("* anything at all")) == []


def test_what_people_write_in_a_rule_is_no_pattern() -> None:
    found = IntentRules({"own": ["c++ (beta)", ".*"]}).found_in(post("the C++ (beta) is out"))
    assert [one.words for one in found] == ["C++ (beta)"]
