"""Which companies a post may be about: domains that it links to, and names that it says.

A domain is exact. A name counts only when it is distinctive, for most names are also words: see
`is_distinctive`. Nothing is guessed: who is looked up here is found in the table of companies or
not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from uuid import UUID

from oppspot_runner.companies.domains import registered_domain
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.posts.post import Mention, Post
from oppspot_runner.posts.text import addresses_in

MOST_WORDS = 4  # of a name
MOST_TEXT = 2_000  # characters of the text in which names are looked for
MOST_NAMES = 200  # candidates of one post
LEAST_LETTERS = 4  # of a word that makes a name distinctive
WORD = re.compile(r"[^\W_](?:[\w&'’+-]*\w)?(?:\.\w+)*")
INNER_CAPITAL = re.compile(r"[a-z][A-Z]")


@dataclass(frozen=True)
class Candidates:
    """What a post could name companies by: domains, and names by their normalised form."""

    domains: frozenset[str]
    names: Mapping[str, str]


@dataclass(frozen=True)
class Known:
    """A company that somebody's domain or normalised name belongs to."""

    key: str
    company_id: UUID
    name: str


def candidates(post: Post) -> Candidates:
    """What to look up for a post."""
    linked = [*filter(None, [post.url]), *addresses_in(post.text)]
    domains = {domain for one in linked if (domain := registered_domain(one))}
    names: dict[str, str] = {}
    for written in _names([post.title, post.text[:MOST_TEXT]]):
        if len(names) >= MOST_NAMES:
            break
        if is_distinctive(written):
            names[normalise_name(written)] = written  # the shortest form stays
    return Candidates(frozenset(domains), names)


def is_distinctive(written: str) -> bool:
    """Whether a name is hardly ever anything else, as it is written.

    One word alone has to be spelled like no ordinary word: a capital inside, or a digit beside
    letters. Several have to begin like names, and one of them must be no everyday word.
    """
    words = normalise_name(written).split()
    if len(words) == 1:
        has_digit = any(map(str.isdigit, written)) and any(map(str.isalpha, written))
        is_spelled = INNER_CAPITAL.search(written) is not None or has_digit
        return len(words[0]) >= LEAST_LETTERS and is_spelled
    return any(len(word) >= LEAST_LETTERS and word not in everyday_words() for word in words)


def mentions(
    found: Candidates, by_domain: Sequence[Known], by_name: Sequence[Known]
) -> list[Mention]:
    """The companies among those that were found, each once: a domain says more than a name."""
    named: dict[UUID, Mention] = {}
    for one in by_domain:
        if one.key in found.domains:
            named[one.company_id] = Mention(
                company_id=one.company_id, matched_by="domain", found=one.key
            )
    for one in by_name:
        written = found.names.get(one.key)
        if written is not None and (" " in one.key or written in one.name):
            mention = Mention(company_id=one.company_id, matched_by="name", found=written)
            named.setdefault(one.company_id, mention)
    return list(named.values())


def _names(texts: Sequence[str]) -> Iterator[str]:
    """Runs of at most four words that begin and end like a name, the long ones first."""
    for text in texts:
        words = list(WORD.finditer(text))
        for size in range(MOST_WORDS, 0, -1):
            for start in range(len(words) - size + 1):
                run = words[start : start + size]
                together = text[run[0].start() : run[-1].end()]
                apart = WORD.sub("", together)
                if apart.strip(" &") == "" and _begins(run[0][0]) and _begins(run[-1][0]):
                    yield together


def _begins(word: str) -> bool:
    return word[0].isupper() or word[0].isdigit() or INNER_CAPITAL.search(word) is not None


@cache
def everyday_words() -> frozenset[str]:
    """Words that headlines are made of; a name of nothing else could be anything."""
    text = (files("oppspot_runner.posts") / "data" / "everyday_words.txt").read_text("utf-8")
    return frozenset(
        word for line in text.splitlines() if not line.startswith("#") for word in line.split()
    )
