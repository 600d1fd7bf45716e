"""What Companies House, the register of UK companies, says about a company and its officers.

It knows a company by its number. One without a number is looked for by its name, and taken only
when the register has exactly one of that name; what follows is trusted less then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.officers import without_forgotten
from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.company_numbers import uk_company_number
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.companies.places import capitalised, subdivision
from oppspot_runner.companies.sic import sic_code
from oppspot_runner.companies.statuses import normalise_status
from oppspot_runner.connectors.companies_house import REGISTER, CompaniesHouse, public_page
from oppspot_runner.connectors.companies_house_answers import (
    Address,
    Listing,
    Officer,
    Profile,
)

CONFIDENCE = 0.95
BY_NAME = 0.8  # an exact name was the right company in 99 of 100, measured on a thousand
OF_BAND = 0.3
# What kinds of accounts say about the head count at most.
BANDS = {"micro-entity": "1-10", "small": "1-50", "medium": "1-250"}
STRIKE_OFF = "active-proposal-to-strike-off"
IN_UK = frozenset(
    {"england", "england-wales", "wales", "scotland", "northern-ireland", "united-kingdom"}
)
MOST_OFFICERS = 100
REUSED_FOR = timedelta(days=1)  # an attempt that is made again need not ask again


def register_of(ctx: Context) -> CompaniesHouse:
    """The register, as a task asks it."""
    return CompaniesHouse(ctx.http, timedelta(0) if ctx.force_execute else REUSED_FOR)


@dataclass(frozen=True)
class Known:
    """The number of a company, and how sure it is that it is its own."""

    number: str
    confidence: float = 1.0


def known_number(company: Company) -> Known | None:
    """The number in the register of the UK, as it is on record."""
    if company.country not in (None, "GB"):
        return None
    if company.company_number:
        number = uk_company_number(company.company_number)
        return Known(number) if number else None
    found = company.facts.get("company_number") or _newest(company, "company_number")
    return Known(str(found.value), found.confidence) if found else None


def _newest(company: Company, field: str) -> Fact | None:
    own = [fact for fact in company.recorded if (fact.field, fact.source) == (field, Register.name)]
    return max(own, key=lambda fact: fact.observed_at, default=None)


class Register:
    """Status, trade, place and age of a company. Revises: it is the register that knows."""

    name: ClassVar[str] = "register"
    fields: ClassVar[tuple[str, ...]] = (
        "company_number",
        "status",
        "sic_codes",
        "incorporated",
        "country",
        "region",
        "town",
        "employees_band",
        "register",
    )
    ttl: ClassVar[timedelta] = timedelta(days=7)
    revises: ClassVar[bool] = True
    web_source: ClassVar[str] = REGISTER

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        register = register_of(ctx)
        known, found = known_number(company), list[Fact]()
        if known is None:
            found = await self._by_name(company, register, ctx)
            if not found:
                return []
            known = Known(found[0].value, BY_NAME)
        profile = await register.profile(known.number)
        if profile is None:
            return []
        return found + _facts_of(profile, known)

    async def _by_name(
        self, company: Company, register: CompaniesHouse, ctx: Context
    ) -> list[Fact]:
        """The number of the one company of exactly that name; of several the one that is active."""
        wanted = company.name_norm or normalise_name(company.name)
        if company.country != "GB" or company.company_number or not wanted:
            return []
        listing = await register.search(company.name)
        note_drift(ctx, listing)
        same = {
            number: one
            for one in listing.items
            if normalise_name(one.company_name) == wanted
            and (number := uk_company_number(one.company_number)) == one.company_number
        }
        active = [number for number, one in same.items() if one.company_status == "active"]
        numbers = active or list(same)
        if len(numbers) != 1:
            return []
        fact = Stated(self.name, Known(numbers[0], BY_NAME), listing.seen_at)
        return [fact("company_number", numbers[0], 1.0)]


class Stated:
    """Makes facts of one source about one company at one time."""

    def __init__(self, source: str, known: Known, seen_at: datetime, part: str = "") -> None:
        self.source, self.known, self.seen_at = source, known, seen_at
        self.url = public_page(known.number, part)

    def __call__(
        self, field: str, value: Any, confidence: float = CONFIDENCE, valid_from: date | None = None
    ) -> Fact:
        confidence = round(confidence * self.known.confidence, 2)
        return Fact(field, value, self.source, confidence, self.seen_at, self.url, valid_from)


def _facts_of(profile: Profile, known: Known) -> list[Fact]:
    fact = Stated(Register.name, known, profile.seen_at)
    detail, status = profile.company_status_detail, profile.company_status
    status = normalise_status((detail if detail == STRIKE_OFF else status) or "")
    codes = [code for text in profile.sic_codes or () if (code := sic_code(text))]
    values: dict[str, Any] = {
        "sic_codes": codes or None,
        "incorporated": profile.date_of_creation and profile.date_of_creation.isoformat(),
        "country": "GB" if profile.jurisdiction in IN_UK else None,
        **place_of(profile.registered_office_address),
        "register": _noted(profile),
    }
    facts = [fact(name, value) for name, value in values.items() if value]
    if status:
        facts.append(fact("status", status, valid_from=profile.date_of_cessation))
    last = profile.accounts and profile.accounts.last_accounts
    if last and (band := BANDS.get(last.type or "")):
        facts.append(fact("employees_band", band, OF_BAND, last.made_up_to))
    return facts


def place_of(address: Address | None) -> dict[str, str | None]:
    """Region and town of a registered office."""
    if address is None:
        return {}
    nation = subdivision("GB", address.country) if address.country else None
    region = nation.names[0] if nation else address.region and capitalised(address.region)
    return {"region": region, "town": address.locality and capitalised(address.locality)}


def _noted(profile: Profile) -> dict[str, Any]:
    """What no column holds and people, or later agents, want to see."""
    accounts, statement = profile.accounts, profile.confirmation_statement
    noted = {
        "name": profile.company_name,
        "type": profile.type,
        "jurisdiction": profile.jurisdiction,
        "postal_code": profile.registered_office_address
        and profile.registered_office_address.postal_code,
        "ceased": profile.date_of_cessation and profile.date_of_cessation.isoformat(),
        "previous_names": [one.name for one in profile.previous_company_names or ()],
        "last_accounts": accounts and accounts.last_accounts and accounts.last_accounts.type,
        "accounts_overdue": accounts and accounts.next_accounts and accounts.next_accounts.overdue,
        "statement_overdue": statement and statement.overdue,
        "has_charges": profile.has_charges,
        "has_insolvency_history": profile.has_insolvency_history,
    }
    return {name: value for name, value in noted.items() if value not in (None, [])}


class Officers:
    """Who runs the company now, as the public register names them."""

    name: ClassVar[str] = "officers"
    fields: ClassVar[tuple[str, ...]] = ("officers",)
    ttl: ClassVar[timedelta] = timedelta(days=30)
    revises: ClassVar[bool] = True
    web_source: ClassVar[str] = REGISTER

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        known = known_number(company)
        if known is None:
            return []
        found = await register_of(ctx).officers(known.number)
        listing = await without_forgotten(ctx, found, known.number)
        note_drift(ctx, listing)
        active = [_officer(one) for one in listing.items if one.resigned_on is None]
        if not active:
            return []
        fact = Stated(self.name, known, listing.seen_at, "/officers")
        return [fact("officers", active[:MOST_OFFICERS])]


def _officer(one: Officer) -> dict[str, str]:
    appointed = one.appointed_on.isoformat() if one.appointed_on else None
    noted = {"name": one.name, "role": one.officer_role, "appointed_on": appointed}
    return {name: value for name, value in noted.items() if value}


def note_drift(ctx: Context, listing: Listing[Any]) -> None:
    """Says in the log how many items of an answer had not what is required."""
    if listing.drifted:
        ctx.log.warning("schema_drift", source=REGISTER, items=listing.drifted)
