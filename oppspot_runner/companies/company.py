"""A company as scoring and enrichment see it: its values, and for each value who said so.

Values only; where they are stored and how they are read is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

# A value that stands in `companies` without any fact: somebody wrote it there by hand.
UNSOURCED = "companies"
UNSOURCED_CONFIDENCE = 0.5

# The columns that facts may fill, in the order in which they are reported.
FACT_FIELDS = (
    "company_number",
    "domain",
    "status",
    "country",
    "region",
    "town",
    "sic_codes",
    "industries",
    "employees",
    "employees_band",
    "founded_year",
    "incorporated",
    "description",
    "website",
    "linkedin_url",
    "phone",
    "email",
    "tech",
    "links",
)
KNOWABLE = ("name", *FACT_FIELDS)
SOCIAL_LINKS = frozenset(
    {"linkedin", "twitter", "x", "facebook", "instagram", "youtube", "github", "tiktok"}
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement about a company. `confidence` is 0 to 1, `valid_from` the day it is about."""

    field: str
    value: Any
    source: str
    confidence: float
    observed_at: datetime
    source_url: str | None = None
    valid_from: date | None = None

    def age_days(self, now: datetime) -> int:
        """Whole days since it was observed, so that a score stays the same all day; never < 0."""
        return max(0, (now - self.observed_at).days)


@dataclass(frozen=True, slots=True)
class Company:
    """What is believed about one company. `facts` holds the best fact of each field."""

    id: UUID
    name: str
    updated_at: datetime
    org_id: UUID | None = None
    name_norm: str = ""
    company_number: str | None = None
    domain: str | None = None
    status: str | None = None
    country: str | None = None
    region: str | None = None
    town: str | None = None
    sic_codes: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    employees: int | None = None
    employees_band: str | None = None
    founded_year: int | None = None
    incorporated: date | None = None
    description: str | None = None
    website: str | None = None
    linkedin_url: str | None = None
    phone: str | None = None
    email: str | None = None
    tech: tuple[str, ...] = ()
    links: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    recorded: tuple[Fact, ...] = ()  # all facts, where they were asked for

    def has(self, name: str) -> bool:
        """Whether the field `name` is known."""
        return is_present(getattr(self, name))

    def known_fields(self) -> set[str]:
        """The names of all fields that are known."""
        values = zip(KNOWABLE, _KNOWABLE_VALUES(self), strict=True)
        known = {name for name, value in values if value and is_present(value)}
        if "links" in known and SOCIAL_LINKS.isdisjoint(self.links):
            known.remove("links")  # a page about the company is no page of the company
        return known

    def fact(self, name: str) -> Fact | None:
        """The fact behind a known field; None for an unknown one.

        A value without a recorded fact answers as one of the source "companies".
        """
        if (found := self.facts.get(name)) is not None:
            return found
        value = getattr(self, name, None)
        if not is_present(value):
            return None
        return Fact(name, value, UNSOURCED, UNSOURCED_CONFIDENCE, self.updated_at)

    def with_values(self, values: Mapping[str, Any], facts: Mapping[str, Fact]) -> Company:
        """The company with these values and facts put over its own."""
        return replace(self, **values, facts={**self.facts, **facts})


_KNOWABLE_VALUES = attrgetter(*KNOWABLE)
_COLUMNS = frozenset(item.name for item in fields(Company)) - {"facts", "recorded"}
_ARRAYS = ("sic_codes", "industries", "tech")


def company_from_row(row: Mapping[str, Any]) -> Company:
    """A Company from a row with the columns of `companies` and `facts` beside them.

    `facts` is a list of [source, confidence, observed_at as Unix time, fields, others]: `others`
    are the values, by field, of fields that have no column; of a column its own value counts.
    """
    values = {name: row[name] for name in _COLUMNS if name in row}
    for name in _ARRAYS:
        values[name] = tuple(values.get(name) or ())
    values["links"] = values.get("links") or {}
    return Company(**values, facts=_Facts(row.get("facts") or (), values))


class _Facts(Mapping[str, Fact]):
    """Facts that are made when they are asked for: a score needs few of many."""

    __slots__ = ("_made", "_origins", "_values")

    def __init__(self, stated: Sequence[Sequence[Any]], values: Mapping[str, Any]) -> None:
        self._origins = {name: one for one in stated for name in one[3]}
        self._values = values
        self._made: dict[str, Fact] = {}

    def __getitem__(self, name: str) -> Fact:
        made = self._made.get(name)
        if made is None:
            source, confidence, seconds, _, others = self._origins[name]
            value = others[name] if others and name in others else self._values.get(name)
            made = self._made[name] = Fact(name, value, source, confidence, _moment(seconds))
        return made

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self._origins else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._origins)

    def __len__(self) -> int:
        return len(self._origins)

    def __contains__(self, name: object) -> bool:
        return name in self._origins


@lru_cache(maxsize=1024)  # what was imported together was observed together
def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def is_present(value: Any) -> bool:
    """Whether a value says anything: text with a letter, a list with an entry, any number."""
    if value is None:
        return False
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, list | tuple | set | frozenset | Mapping):
        return len(value) > 0
    return True
