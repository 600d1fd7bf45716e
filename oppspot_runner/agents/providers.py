"""Who can say something about a company: the providers that the enrichment agent asks in turn.

These need no network: they read what is on record and conclude what follows from it. Providers for
web sites and registers have the same shape, and name the source that they ask. A provider never
guesses: what it does not know, it does not answer, and what it concludes carries the source, the
date and at most the confidence of what it was concluded from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Protocol

from oppspot_runner.agents.context import Context
from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.domains import registered_domain
from oppspot_runner.companies.enriching import is_better, newest_of_each_source
from oppspot_runner.companies.fact_values import CHECKS, fitting
from oppspot_runner.companies.headcount import size_band
from oppspot_runner.companies.industry_table import industry_table
from oppspot_runner.companies.places import parse_place
from oppspot_runner.companies.scoring_industry import CONCLUDED


class Provider(Protocol):
    """One source. `fields` are those it can fill, `ttl` how long its answer stays fresh.

    One that `revises` is asked also when all its fields are known. `web_source` is the source of
    the outside world that it asks, "web" for web sites, None for none: those of one source are
    asked one after the other, those of different ones side by side.
    """

    @property
    def name(self) -> str: ...

    @property
    def fields(self) -> tuple[str, ...]: ...

    @property
    def ttl(self) -> timedelta: ...

    @property
    def revises(self) -> bool: ...

    @property
    def web_source(self) -> str | None: ...

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        """What the source says about `company`; [] when it knows nothing."""
        ...


class ImportedFacts:
    """The best fact on record of each field; what does not fit its column is passed over.

    Conclusions are left out: their providers draw them again from what is known now.
    """

    name: ClassVar[str] = "imported_facts"
    fields: ClassVar[tuple[str, ...]] = tuple(CHECKS)
    ttl: ClassVar[timedelta] = timedelta(days=30)
    revises: ClassVar[bool] = True
    web_source: ClassVar[None] = None

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        best: dict[str, Fact] = {}
        for fact in newest_of_each_source(company.recorded):
            if fact.source in CONCLUSIONS:
                continue
            value = fitting(fact.field, fact.value)
            if value is not None and is_better(fact, best.get(fact.field)):
                best[fact.field] = replace(fact, value=value)
        return list(best.values())


class DomainOfWebsite:
    """The registered domain behind the website, unless it is one that many companies share."""

    name: ClassVar[str] = "website_domain"
    fields: ClassVar[tuple[str, ...]] = ("domain",)
    ttl: ClassVar[timedelta] = timedelta(days=30)
    revises: ClassVar[bool] = False
    web_source: ClassVar[None] = None

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        domain = registered_domain(company.website or "")
        return _concluded(self.name, company, "domain", domain, from_field="website")


class CountryOfPlace:
    """The country that the region or town on record names: "London, United Kingdom"."""

    name: ClassVar[str] = "place_country"
    fields: ClassVar[tuple[str, ...]] = ("country",)
    ttl: ClassVar[timedelta] = timedelta(days=30)
    revises: ClassVar[bool] = False
    web_source: ClassVar[None] = None

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        for field in ("region", "town"):
            country = parse_place(getattr(company, field) or "").country
            if country:
                return _concluded(self.name, company, "country", country, from_field=field)
        return []


class SizeBand:
    """The size band of a known head count. Revises: a stated band is rougher than a count."""

    name: ClassVar[str] = "size_band"
    fields: ClassVar[tuple[str, ...]] = ("employees_band",)
    ttl: ClassVar[timedelta] = timedelta(days=30)
    revises: ClassVar[bool] = True
    web_source: ClassVar[None] = None

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        band = size_band(company.employees) if company.employees else None
        return _concluded(self.name, company, "employees_band", band, from_field="employees")


class SicOfIndustry:
    """The SIC codes that the table of industries names for the company's labels.

    A label may stand for several codes, so this is no statement of a register: its confidence is
    low, and it is no second witness for the label (see `scoring_industry`).
    """

    name: ClassVar[str] = CONCLUDED
    fields: ClassVar[tuple[str, ...]] = ("sic_codes",)
    ttl: ClassVar[timedelta] = timedelta(days=30)
    revises: ClassVar[bool] = False
    web_source: ClassVar[None] = None
    most_confidence: ClassVar[float] = 0.3

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        codes = tuple(industry_table().sic_for(company.industries)) or None
        found = _concluded(self.name, company, "sic_codes", codes, from_field="industries")
        return [
            replace(fact, confidence=min(fact.confidence, self.most_confidence)) for fact in found
        ]


CONCLUSIONS = frozenset(
    {DomainOfWebsite.name, CountryOfPlace.name, SizeBand.name, SicOfIndustry.name}
)


def on_record() -> Sequence[Provider]:
    """What is asked first: what is known already, and what follows from it for others to use."""
    return (ImportedFacts(), DomainOfWebsite(), CountryOfPlace())


def conclusions() -> Sequence[Provider]:
    """What is asked last: what follows from all that was said."""
    return (SizeBand(), SicOfIndustry())


def _concluded(
    source: str, company: Company, field: str, value: Any, *, from_field: str
) -> list[Fact]:
    origin = company.fact(from_field)
    if value is None or origin is None:
        return []
    return [Fact(field, value, source, origin.confidence, origin.observed_at)]
