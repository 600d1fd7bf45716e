"""Country codes from the ways people write countries, and what a country is called.

Does not know towns: `places` reads addresses, `locations` answers what somebody asks for.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from oppspot_runner.companies.packaged import read_lines

MARKS = re.compile(r"[\u0300-\u036f]+")
DROPPED = re.compile(r"[.'’`]")
NOT_WORD = re.compile(r"[\W_]+")
MOST_TEXT = 200  # characters; no place has a longer name


@dataclass(frozen=True)
class Country:
    """One country of ISO 3166-1 (countries.tsv); `names` are English name, then others."""

    code: str
    alpha3: str
    names: tuple[str, ...]
    continent: str
    sub_region: str


@lru_cache(maxsize=10_000)  # the same few places come again and again
def place_key(text: str) -> str:
    """The form in which names of places are compared: no case, accents, dots or leading "the"."""
    if not text.isascii():
        text = MARKS.sub("", unicodedata.normalize("NFKD", text))
        text = text.encode("utf-8", "ignore").decode("utf-8")
    text = DROPPED.sub("", text[:MOST_TEXT].casefold().replace("&", " and "))
    return NOT_WORD.sub(" ", text).strip().removeprefix("the ").strip()


def country_code(text: str) -> str | None:
    """ISO alpha-2 code for an English name, a code or an alias ("UK", "England"); else None."""
    return _codes().get(place_key(text))


def country_name(code: str) -> str:
    """The English name for an alpha-2 code; the code itself when it is none."""
    country = countries().get(code.upper())
    return country.names[0] if country else code


def is_country_code(code: str) -> bool:
    """Whether `code` is an alpha-2 code in capital letters."""
    return code in countries()


@cache
def countries() -> dict[str, Country]:
    """All countries by alpha-2 code."""
    table = {}
    for line in read_lines("countries.tsv"):
        code, alpha3, name, continent, sub_region, others = (line.split("\t") + [""] * 5)[:6]
        names = (name, *filter(None, others.split("|")))
        table[code] = Country(code, alpha3, names, continent, sub_region)
    return table


@cache
def _codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    for country in countries().values():
        for name in (country.code, country.alpha3, *country.names):
            codes.setdefault(place_key(name), country.code)
    return codes
