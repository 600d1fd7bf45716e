"""Whether a company is where somebody wants it: countries, groups of countries, regions, towns.

Answers True, False, or None when too little is known about the company.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from oppspot_runner.companies.countries import countries, country_code, country_name, place_key
from oppspot_runner.companies.packaged import read_lines
from oppspot_runner.companies.places import (
    LONGEST_CODE,
    parse_place,
    subdivided,
    subdivision,
    towns,
)

ANYWHERE = frozenset({"anywhere", "worldwide", "global", "international", "world"})


@dataclass(frozen=True)
class Location:
    """A wanted location. `countries` is empty when the country is not known.

    `names` are the comparable names of the region or town.
    """

    wanted: str
    kind: Literal["anywhere", "country", "region", "town"]
    countries: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def matches(
        self, country: str | None, region: str | None = None, town: str | None = None
    ) -> bool | None:
        """Whether a company there is meant; None when what decides is not known."""
        if self.kind == "anywhere":
            return True
        if country and self.countries and country not in self.countries:
            return False
        if self.kind == "country":
            return bool(country) or None
        stated = [place_key(text) for text in (region, town) if text]
        if self.names.intersection(stated):
            return True
        if self.kind == "town":
            return False if town else None
        return self._another_region(country, region)

    def _another_region(self, country: str | None, region: str | None) -> bool | None:
        # A county says nothing about England, another nation of the same country does.
        if country and region and subdivision(country, region):
            return False
        return None

    def __str__(self) -> str:
        if self.kind == "country" and len(self.countries) == 1:
            return country_name(next(iter(self.countries)))
        return self.wanted


def match_location(wanted: str) -> Location:
    """What somebody means by a country, a code, a group such as "Nordics", a region or a town.

    Text that is none of these is taken as the name of a town or region.
    """
    key = place_key(wanted)
    if key in ANYWHERE:
        return Location(wanted, "anywhere")
    if key in groups():
        return Location(wanted, "country", groups()[key])
    if (nation := subdivision("GB", wanted)) and len(key) > LONGEST_CODE:
        return Location(wanted, "region", frozenset({"GB"}), _keys(nation.names))
    if code := country_code(wanted):
        return Location(wanted, "country", frozenset({code}))
    return _town_or_region(wanted, key)


def _town_or_region(wanted: str, key: str) -> Location:
    if known := towns().get(key):
        return Location(wanted, "town", frozenset({known[0]}), known[1])
    if "," in wanted:
        place = parse_place(wanted)
        stated = frozenset({place.country} if place.country else ())
        if place.town:
            town = place_key(place.town)
            known_country, names = towns().get(town, (None, frozenset({town})))
            same = not stated or known_country in stated
            return Location(wanted, "town", stated, names if same else frozenset({town}))
    for country in subdivided():
        part = subdivision(country, wanted)
        if part:
            return Location(wanted, "region", frozenset({country}), _keys(part.names))
    return Location(wanted, "town", frozenset(), frozenset({key}) if key else frozenset())


def _keys(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(place_key(name) for name in names)


@cache
def groups() -> dict[str, frozenset[str]]:
    """Countries by the key of a continent, a sub-region or a group such as DACH."""
    found: dict[str, set[str]] = {}
    for country in countries().values():
        for name in filter(None, (country.continent, country.sub_region)):
            found.setdefault(place_key(name), set()).add(country.code)
    for line in read_lines("regions.tsv"):
        name, others, members = line.split("\t")
        for key in (name, *filter(None, others.split("|"))):
            found[place_key(key)] = set(members.split())
    found["emea"] = found["europe"] | found["africa"] | found["middle east"]
    return {key: frozenset(codes) for key, codes in found.items()}
