"""What the register of UK companies tells of a company as it happens: shares, officers, filings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, ClassVar

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.officers import without_forgotten
from oppspot_runner.agents.providers_register import Known, known_number, note_drift
from oppspot_runner.agents.watchers import Watcher
from oppspot_runner.companies.company import Company
from oppspot_runner.connectors.companies_house import REGISTER, CompaniesHouse, public_page
from oppspot_runner.connectors.companies_house_answers import Filing, Listing, Officer
from oppspot_runner.connectors.companies_house_filings import (
    NEW_ADDRESS,
    NEW_CHARGE,
    NEW_NAME,
    Allotment,
    allotments,
    stated_day,
)
from oppspot_runner.people.names import person_name, short_forms
from oppspot_runner.signals.headlines import event_of_change
from oppspot_runner.signals.sighting import LOOKBACK, Look, Memory, Sighting, Strength

EVERY = timedelta(days=1)
FRESH_FOR = EVERY / 2
CATEGORIES = ("capital", "mortgage", "change-of-name", "address")
OF_SHARES, OF_REGISTER = 60, 95
KEPT = 32  # histories: those of the companies that are looked at just now
FOUNDING = timedelta(days=90)  # in which the first shares go to the founders
# By which part the capital grew.
GROWTHS: tuple[tuple[Decimal, Strength], ...] = (
    (Decimal("0.5"), "strong"),
    (Decimal("0.1"), "moderate"),
)
# What is news of what is filed: how its description begins, what it is called here, what to say,
# how much it says, and the value that tells when it happened.
EVENTS: tuple[tuple[str, str, str, Strength, str], ...] = (
    (NEW_CHARGE, "charge", "registered a new charge", "moderate", "charge_creation_date"),
    (NEW_NAME, "name", "changed its name", "moderate", "change_date"),
    (NEW_ADDRESS, "address", "moved its registered office", "weak", "change_date"),
)
ROLES = {
    "director": "director",
    "secretary": "secretary",
    "llp-member": "member",
    "llp-designated-member": "designated member",
}


class FilingHistory:
    """The newest filings of companies: one request for each, however many watchers read them.

    Watchers of one source look at a company in turn.
    """

    def __init__(self) -> None:
        self._known: dict[str, Listing[Filing]] = {}

    async def of(self, number: str, ctx: Context) -> Listing[Filing]:
        """The filings of a company, newest first. Raises what the source raises."""
        known = self._known.get(number)
        if known is None:
            known = await register_now(ctx).filings(number, CATEGORIES)
            note_drift(ctx, known)
            if len(self._known) >= KEPT:
                del self._known[next(iter(self._known))]
            self._known[number] = known
        return known


def register_now(ctx: Context) -> CompaniesHouse:
    """The register, as who wants news asks it."""
    return CompaniesHouse(ctx.http, timedelta(0) if ctx.force_execute else FRESH_FOR)


@dataclass(frozen=True)
class ShareIssues:
    """Shares that a company issued: in the UK the one public trace of a funding round."""

    name: ClassVar[str] = "share_issues"
    types: ClassVar[tuple[str, ...]] = ("funding_round",)
    web_source: ClassVar[str | None] = REGISTER
    every: ClassVar[timedelta] = EVERY

    history: FilingHistory = field(default_factory=FilingHistory)
    lookback: timedelta = LOOKBACK

    async def look(self, company: Company, memory: Memory, ctx: Context) -> Look | None:
        """The days on which shares were issued; what was filed again is the same issue."""
        known = known_number(company)
        if known is None:
            return None
        filings = await self.history.of(known.number, ctx)
        since = memory.since(ctx.task.started_at, self.lookback)
        issued = [one for one in allotments(filings.items) if midnight(one.day) >= since]
        return Look(tuple(_shares(one, company, known) for one in issued))


def _shares(issue: Allotment, company: Company, known: Known) -> Sighting:
    capital, growth = issue.capital, issue.growth
    now = f": its capital is now {capital:,} {issue.currency}".rstrip() if capital else ""
    more = f", {growth:.0%} more than before" if growth and growth > 0 else ""
    return Sighting(
        "funding_round",
        REGISTER,
        f"shares of {issue.day}",
        f"{company.name} issued shares{now}{more}",
        midnight(issue.day),
        _weight(issue, company.incorporated),
        round(OF_SHARES * known.confidence),
        source_url=public_page(known.number, "/filing-history"),
        data=_stated(
            capital=str(capital) if capital else None,
            currency=issue.currency,
            growth_percent=round(float(growth) * 100, 1) if growth is not None else None,
        ),
    )


def _weight(issue: Allotment, incorporated: date | None) -> Strength:
    """How much an issue says: little where the founders took their shares, or only few came."""
    if incorporated and issue.day - incorporated <= FOUNDING:
        return "weak"
    if issue.growth is None:
        return "moderate"
    return next((strength for least, strength in GROWTHS if issue.growth >= least), "weak")


@dataclass(frozen=True)
class OfficerChanges:
    """People who came into an office of a company, or left it; not companies in such an office."""

    name: ClassVar[str] = "officers"
    types: ClassVar[tuple[str, ...]] = ("executive_change",)
    web_source: ClassVar[str | None] = REGISTER
    every: ClassVar[timedelta] = EVERY

    lookback: timedelta = LOOKBACK

    async def look(self, company: Company, memory: Memory, ctx: Context) -> Look | None:
        """Who was appointed or resigned lately."""
        known = known_number(company)
        if known is None:
            return None
        found = await register_now(ctx).officers(known.number)
        listing = await without_forgotten(ctx, found, known.number)
        note_drift(ctx, listing)
        since = memory.since(ctx.task.started_at, self.lookback)
        changes = (change for one in listing.items for change in _changes(one, company, known))
        return Look(tuple(one for one in changes if one.occurred_at >= since))


def _changes(officer: Officer, company: Company, known: Known) -> Iterable[Sighting]:
    role, person = ROLES.get(officer.officer_role), person_name(officer.name)
    if role is None or not person:
        return
    of_person = sha256(officer.name.encode()).hexdigest()[:16]
    for change, day in (("appointed", officer.appointed_on), ("resigned", officer.resigned_on)):
        if day is None:
            continue
        became = "became" if change == "appointed" else "is no longer"
        yield Sighting(
            "executive_change",
            REGISTER,
            f"{change} {role} {day} {of_person}",
            f"{person} {became} {role} of {company.name}",
            midnight(day),
            "weak" if role == "secretary" else "moderate",
            round(OF_REGISTER * known.confidence),
            event=event_of_change(short_forms(person)[1], leaves=change == "resigned"),
            source_url=public_page(known.number, "/officers"),
            data=_stated(change=change, person=person, role=role, occupation=officer.occupation),
        )


@dataclass(frozen=True)
class Filings:
    """Other filings that are news: a charge, another name or address, accounts that are overdue."""

    name: ClassVar[str] = "filings"
    types: ClassVar[tuple[str, ...]] = ("companies_house_filing",)
    web_source: ClassVar[str | None] = REGISTER
    every: ClassVar[timedelta] = EVERY

    history: FilingHistory = field(default_factory=FilingHistory)
    lookback: timedelta = LOOKBACK

    async def look(self, company: Company, memory: Memory, ctx: Context) -> Look | None:
        """What was filed lately, and whether accounts were not."""
        known = known_number(company)
        if known is None:
            return None
        filings = await self.history.of(known.number, ctx)
        told = [_filed(one, company, known) for one in filings.items]
        told.append(await self._overdue(company, known, ctx))
        since = memory.since(ctx.task.started_at, self.lookback)
        return Look(tuple(one for one in told if one is not None and one.occurred_at >= since))

    async def _overdue(self, company: Company, known: Known, ctx: Context) -> Sighting | None:
        profile = await register_now(ctx).profile(known.number)
        due = profile and profile.accounts and profile.accounts.next_accounts
        if not due or not due.overdue or due.due_on is None:
            return None
        return _sighting(
            "accounts",
            f"accounts due {due.due_on}",
            f"{company.name} is late with its accounts, due on {due.due_on}",
            due.due_on + timedelta(days=1),
            "weak",
            known,
        )


def _filed(filing: Filing, company: Company, known: Known) -> Sighting | None:
    for begins, kind, text, strength, happened in EVENTS:
        if (filing.description or "").startswith(begins):
            title = f"{company.name} {text}"
            return _sighting(
                kind, filing.transaction_id, title, stated_day(filing, happened), strength, known
            )
    return None


def _sighting(
    kind: str, key: str, title: str, day: date, strength: Strength, known: Known
) -> Sighting:
    return Sighting(
        "companies_house_filing",
        REGISTER,
        key,
        title,
        midnight(day),
        strength,
        round(OF_REGISTER * known.confidence),
        event=kind,
        source_url=public_page(known.number, "/filing-history"),
        data={"kind": kind},
    )


def register_watchers(lookback: timedelta = LOOKBACK) -> tuple[Watcher, ...]:
    """All watchers of the register, for one attempt."""
    history = FilingHistory()
    return ShareIssues(history, lookback), OfficerChanges(lookback), Filings(history, lookback)


def midnight(day: date) -> datetime:
    """When a day begins, in UTC."""
    return datetime.combine(day, time(), UTC)


def _stated(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}
