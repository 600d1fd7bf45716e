"""Reads town, region and country out of one line such as "Austin, TX" or "London, England, UK".

Only what is written counts: a town alone has no country here, and of two possible readings the
town decides or nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from oppspot_runner.companies.countries import country_code, place_key
from oppspot_runner.companies.packaged import read_lines

MOST_PLACE = 300  # characters; longer texts are prose
LONGEST_CODE = 3
SMALL_WORDS = frozenset({"at", "by", "in", "le", "on", "the", "under", "upon"})
WORD = re.compile(r"[^\s-]+")
TOWNS_TOO = frozenset({"new york", "washington", "quebec", "victoria"})  # and states


@dataclass(frozen=True)
class Place:
    """What an address line says; None where it does not say it."""

    town: str | None = None
    region: str | None = None
    country: str | None = None


@dataclass(frozen=True)
class Subdivision:
    """A state, province or nation within a country (subdivisions.tsv)."""

    country: str
    code: str
    names: tuple[str, ...]


@lru_cache(maxsize=10_000)  # the same few places come again and again
def parse_place(text: str, *, country: str | None = None, american: bool = False) -> Place:
    """The place in `text`, largest part last; a well-known town counts before other parts.

    `country` is the alpha-2 code when another column states it, and wins. `american` says that an
    unclear part after a town is rather a state of the USA: "Duluth, Georgia".
    """
    parts = [
        part for part in (piece.strip(" .;") for piece in text[:MOST_PLACE].split(",")) if part
    ]
    region: str | None = None
    for country_read in (False, True):
        found = _read_last(parts, country, american=american) if parts else None
        if found is None or (country_read and found[1] is None):  # "Singapore, Singapore"
            break
        country, part = found
        parts.pop()
        if part:
            region = part.names[0]
            break
    known = (part for part in parts if place_key(part) in towns())
    return Place(next(known, parts[0] if parts else None), region, country)


def _read_last(
    parts: list[str], known: str | None, *, american: bool
) -> tuple[str, Subdivision | None] | None:
    """Country and region that the last part stands for; None when it is a town or unclear."""
    readings = _readings(parts[-1], known, alone=len(parts) == 1)
    if len(readings) > 1:
        town = towns().get(place_key(parts[0]), ("", None))[0]
        choice = town if town in readings else "US" if american and len(parts) > 1 else ""
        readings = {choice: readings[choice]} if choice in readings else {}
    return next(iter(readings.items()), None)


def _readings(text: str, known: str | None, *, alone: bool) -> dict[str, Subdivision | None]:
    is_code = len(text) <= LONGEST_CODE
    readings: dict[str, Subdivision | None] = {}
    if (code := country_code(text)) and known in (None, code):
        readings[code] = None
    if alone and place_key(text) in TOWNS_TOO:
        return readings
    if alone and readings and not is_code and not subdivision("GB", text):
        return readings  # "Georgia" alone is the country
    for country in (known,) if known else subdivided():
        part = subdivision(country, text)
        if part:
            readings[country] = part
    return readings


def subdivision(country: str, text: str) -> Subdivision | None:
    """The part of `country` with that name or code, as far as subdivisions.tsv goes."""
    return _subdivisions().get((country, place_key(text)))


@cache
def subdivided() -> tuple[str, ...]:
    """The countries whose parts we know."""
    return tuple(sorted({country for country, _ in _subdivisions()}))


@cache
def _subdivisions() -> dict[tuple[str, str], Subdivision]:
    table: dict[tuple[str, str], Subdivision] = {}
    for line in read_lines("subdivisions.tsv"):
        country, code, name, others = [*line.split("\t"), ""][:4]
        part = Subdivision(country, code, (name, *filter(None, others.split("|"))))
        for key in (code, *part.names):
            table.setdefault((country, place_key(key)), part)
    return table


@cache
def towns() -> dict[str, tuple[str, frozenset[str]]]:
    """Country and the keys of all names of a well-known town, by the key of each name."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for line in read_lines("towns.tsv"):
        country, *entries = line.split("\t")
        for entry in entries:
            names = frozenset(place_key(name) for name in entry.split("|"))
            found.update(dict.fromkeys(names, (country, names)))
    return found


@lru_cache(maxsize=10_000)
def capitalised(text: str) -> str:
    """`"STOKE-ON-TRENT"` as `"Stoke-on-Trent"`; text that has small letters stays."""
    if not text.isupper():
        return text

    def word(match: re.Match[str]) -> str:
        small = match[0].lower()
        return small if match.start() and small in SMALL_WORDS else small.capitalize()

    return WORD.sub(word, text)
