"""The words of one language, as drafts need them. The file data/<language>.toml explains itself."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from oppspot_runner.drafts.tokens import Keys, keys_of

LANGUAGES = ("en",)
# Lists of single words.
SETS = (
    "first_person",
    "other_person",
    "seeing",
    "before_days",
    "articles",
    "measures",
    "directions",
    "being",
    "groups",
    "apart",
    "thanks",
    "pointing",
    "ends",
    "after_offer",
    "prepositions",
    "greetings",
    "numbers",
)


@dataclass(frozen=True)
class Language:
    """A language. `classes` holds, by the code of a fault, the words that state too much."""

    code: str
    neutral: frozenset[str]
    phrases: tuple[Keys, ...]
    listed: str  # neutral words and phrases, for a model to read
    first_person: frozenset[str]
    other_person: frozenset[str]
    seeing: frozenset[str]
    before_days: frozenset[str]
    articles: frozenset[str]
    measures: frozenset[str]
    directions: frozenset[str]
    being: frozenset[str]
    groups: frozenset[str]
    apart: frozenset[str]
    thanks: frozenset[str]
    pointing: frozenset[str]
    ends: frozenset[str]
    after_offer: frozenset[str]
    prepositions: frozenset[str]
    greetings: frozenset[str]
    numbers: frozenset[str]
    classes: Mapping[str, frozenset[str]]
    instructions: tuple[Keys, ...]
    times: tuple[Keys, ...]
    introductions: tuple[Keys, ...]
    doing: tuple[Keys, ...]
    verbs: Mapping[str, frozenset[str]]
    nouns: Mapping[str, frozenset[str]]
    anchors: Mapping[str, frozenset[str]]
    labels: Mapping[str, frozenset[str]]
    facts: Mapping[str, str]
    templates: Mapping[str, Mapping[str, str]]
    tones: Mapping[str, Mapping[str, str]]
    months: tuple[str, ...]

    def written(self, day: date) -> str:
        """The day in words."""
        return f"{day.day} {self.months[day.month - 1]} {day.year}"

    def ways(self, day: date) -> tuple[str, ...]:
        """All ways in which a draft may say the day, or less of it."""
        month = self.months[day.month - 1]
        short = month[:3]
        return (
            self.written(day),
            f"{day.day} {short} {day.year}",
            f"{month} {day.day}, {day.year}",
            f"{month} {day.day}",
            f"{day.day} {month}",
            f"{month} {day.year}",
            day.isoformat(),
            month,
            str(day.year),
        )

    def joined(self, parts: tuple[str, ...]) -> str:
        """`parts` as a list in a sentence."""
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {self.facts['and']} {parts[-1]}"

    def kin(self, word: str) -> frozenset[str]:
        """`word` and the words that say the same."""
        return self.verbs.get(word) or self.nouns.get(word) or frozenset({word})

    def canonical(self, keys: Keys) -> Keys:
        """`keys` with one word for all that say the same."""
        return tuple(min(self.verbs.get(key, (key,))) for key in keys)


@cache
def language(code: str) -> Language:
    """The language of that code, one of LANGUAGES."""
    text = (files("oppspot_runner.drafts") / "data" / f"{code}.toml").read_text(encoding="utf-8")
    given = tomllib.loads(text)
    phrases = _phrases(given["phrases"])
    listed = (
        " ".join(given["neutral"].split())
        + " | "
        + " | ".join(" ".join(line.split()) for line in given["phrases"].strip().splitlines())
    )
    return Language(
        code=code,
        neutral=_words(given["neutral"]),
        phrases=phrases,
        instructions=_phrases(given["instructions"]),
        times=_phrases(given["times"]),
        introductions=_phrases(given["introductions"]),
        doing=_phrases(given["doing"]),
        listed=listed,
        classes={
            name.removesuffix("s"): _words(given[name])
            for name in ("negations", "comparisons", "promises", "quantifiers", "spam")
        },
        verbs=_families(given["verbs"]),
        nouns=_families(given["nouns"]),
        anchors={kind: _words(words) for kind, words in given["anchors"].items()},
        labels={kind: _words(words) for kind, words in given["labels"].items()},
        facts=given["facts"],
        templates=given["templates"],
        tones=given["tones"],
        months=tuple(given["months"].split()),
        **{name: _words(given[name]) for name in SETS},
    )


def _families(text: str) -> dict[str, frozenset[str]]:
    families = [_words(line) for line in text.strip().splitlines()]
    return {word: family for family in families for word in family}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> tuple[Keys, ...]:
    found = {keys_of(part) for line in text.splitlines() for part in line.split("|")} - {()}
    return tuple(sorted(found, key=lambda keys: (-len(keys), keys)))
