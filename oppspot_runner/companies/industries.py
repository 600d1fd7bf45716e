"""Industry labels: what they mean in SIC codes, tags and words, and whether a company has one.

The meanings are data (industries.toml) that a file of the user's own may replace. Labels such as
SaaS or FinTech are no classes of any register, so three kinds of evidence are weighed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

from oppspot_runner.companies.sic import SIC_2007_DIGITS, first_under, sic_under

BOTH = 1.0  # a SIC code, and a tag or a word
STATED = 0.8  # a tag or a word
CODED = 0.6  # a SIC code alone: its classes are wider than the labels
NOTHING = 0.0

MOST_TAG = 100  # characters
MOST_TEXT = 20_000  # characters of a description that are searched
NOT_WORD = re.compile(r"[\W_]+")
DROPPED = re.compile(r"['’`]")


def tag(label: str) -> str:
    """The form in which labels are kept and compared: `"Software & IT"` is `"software-and-it"`.

    Lower case, words joined by hyphens; "" when nothing is left; at most 100 characters.
    """
    text = DROPPED.sub("", label[: 4 * MOST_TAG].casefold().replace("&", " and "))
    return NOT_WORD.sub(" ", text).strip().replace(" ", "-")[:MOST_TAG].strip("-")


@dataclass(frozen=True)
class Industry:
    """A label and what stands for it: SIC codes or prefixes of them, words in prose, tags."""

    label: str
    sic: tuple[str, ...]
    keywords: tuple[str, ...]
    tags: tuple[str, ...]

    @cached_property
    def words(self) -> re.Pattern[str] | None:
        """Finds a keyword as a whole word in text of any case."""
        if not self.keywords:
            return None
        choices = "|".join(re.escape(word) for word in sorted(self.keywords, key=len, reverse=True))
        return re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE)


@dataclass(frozen=True)
class Evidence:
    """Why a company matches a label. `score` is None when nothing is known about its industry."""

    label: str
    score: float | None
    sic: str | None = None
    tag: str | None = None
    keyword: str | None = None


@dataclass(frozen=True)
class IndustryTable:
    """All known industries; `names` leads from the tag of a label, alias or tag to one of them."""

    industries: tuple[Industry, ...]
    names: dict[str, Industry] = field(repr=False)

    def find(self, label: str) -> Industry | None:
        """The industry of that label, alias or tag; None when there is none."""
        return self.names.get(tag(label))

    def meaning(self, label: str) -> Industry:
        """Like `find`; an unknown label stands for its own tag and its own words."""
        return self.find(label) or _literal(label)

    def sic_for(self, labels: Iterable[str]) -> list[str]:
        """All five-digit SIC codes that stand for any of `labels`, in order."""
        return sic_under(code for label in labels for code in self.meaning(label).sic)

    def tags_for(self, labels: Iterable[str]) -> list[str]:
        """All tags that stand for any of `labels`, in order; an unknown label is its own tag."""
        return sorted({one for label in labels for one in self.meaning(label).tags})

    def evidence(
        self,
        wanted: str,
        industries: Sequence[str] = (),
        sic_codes: Sequence[str] = (),
        text: str | None = None,
    ) -> Evidence:
        """How well a company fits the label `wanted`, and by what.

        1.0 = a SIC code and a tag or word; 0.8 = a tag or word; 0.6 = a SIC code alone; 0.0 = its
        labels or codes say something else; None = nothing is known. `text` is searched only when
        the company has no labels: a label was given on purpose, prose names what others do, too.
        """
        meaning = self.meaning(wanted)
        code = first_under(sic_codes, meaning.sic) if meaning.sic else None
        found_tag = next((one for one in industries if tag(one) in meaning.tags), None)
        word = None if industries else _first_word(meaning, text)
        stated = found_tag is not None or word is not None
        if code:
            score: float | None = BOTH if stated else CODED
        elif stated:
            score = STATED
        else:
            known = bool(industries) or any(len(one) == SIC_2007_DIGITS for one in sic_codes)
            score = NOTHING if known else None
        return Evidence(meaning.label, score, code, found_tag, word)

    def expand(self, labels: Iterable[str]) -> list[str]:
        """The tags of `labels`, and known tags inside labels that are not known as a whole.

        `"Enterprise software Cloud computing"` is kept and gives both of its parts as well; a
        label of one word, such as `"conversational-banking"`, is never taken apart.
        """
        found: dict[str, None] = {}
        for label in labels:
            whole = tag(label)
            if whole:
                found[whole] = None
                if whole not in self._listed_tags and len(label.split()) > 1:
                    found.update(dict.fromkeys(self._tags_inside(whole)))
        return list(found)

    @cached_property
    def _listed_tags(self) -> frozenset[str]:
        return frozenset(one for industry in self.industries for one in industry.tags)

    def _tags_inside(self, whole: str) -> list[str]:
        words, found, start = whole.split("-"), list[str](), 0
        while start < len(words):
            for end in range(len(words), start, -1):
                part = "-".join(words[start:end])
                if part in self._listed_tags:
                    found.append(part)
                    start = end - 1
                    break
            start += 1
        return found


def _first_word(meaning: Industry, text: str | None) -> str | None:
    if not text or meaning.words is None:
        return None
    match = meaning.words.search(text[:MOST_TEXT])
    return match[0].lower() if match else None


@cache
def _literal(label: str) -> Industry:
    words = " ".join(label.split())
    return Industry(label, (), (words,) if words else (), (tag(label),) if tag(label) else ())
