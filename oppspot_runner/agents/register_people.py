"""Who holds which office, as the register answers: people of a company, and their other offices.

Whoever was forgotten is not among them: the register still knows, and we do not any more.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from weakref import WeakValueDictionary

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.officers import (
    OF_COMPANIES,
    born,
    named_officer,
    uk_number,
)
from oppspot_runner.agents.providers_register import note_drift, register_of
from oppspot_runner.companies.company_numbers import uk_company_number
from oppspot_runner.companies.names import clean_name
from oppspot_runner.connectors.companies_house import CompaniesHouse, public_page
from oppspot_runner.connectors.companies_house_answers import (
    Appointment,
    Officer,
    Owner,
)
from oppspot_runner.people.person import MOST_APPOINTMENTS, Holder, NamedPerson, Office

CHECKED_FOR = timedelta(days=30)
NOT_ROLE = re.compile(r"[^a-z0-9]+")


class Turns:
    """Lets one at a time ask for the offices of a person; the next finds the answer kept."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, officer_id: str) -> asyncio.Lock:
        """The lock of a person, as long as anybody holds or wants it."""
        return self._locks.setdefault(officer_id, asyncio.Lock())


async def people_of(ctx: Context, number: str, name: str, turns: Turns) -> list[Holder]:
    """All who hold or held offices in a company, or own it, and the other offices of those now.

    Raises SourceError and RateLimitExceededError.
    """
    register, task = register_of(ctx), ctx.task
    officers, owners = await register.officers(number), await register.owners(number)
    note_drift(ctx, officers)
    note_drift(ctx, owners)
    holders = [_of_officer(one, number, name) for one in officers.items]
    holders += [_of_owner(one, number, name) for one in owners.items]
    traces = {trace for one in holders for trace in one.person.traces}
    gone = await ctx.people.forgotten(traces, number)
    holders = [one for one in holders if gone.isdisjoint(one.person.traces)]
    wanted = dict.fromkeys(one.person.register_id for one in holders if _is_somebody(one))
    known = await ctx.people.checked(
        [one for one in wanted if one],
        CHECKED_FOR,
        since=min(task.created_at, task.started_at),
        force=ctx.force_execute,
    )
    found = {}
    for one in wanted:
        if one and one not in known:
            async with turns.of(one):
                found[one] = await _offices(ctx, register, one)
    return [_with_offices(one, found) for one in holders]


def _is_somebody(holder: Holder) -> bool:
    """Whether it is worth while to ask where else somebody is in office."""
    (office,) = holder.offices
    person = holder.person
    return bool(person.register_id and office.resigned_on is None and person.nominee is None)


def _with_offices(holder: Holder, found: dict[str, tuple[int, tuple[Office, ...]]]) -> Holder:
    total, offices = found.get(holder.person.register_id or "", (None, ()))
    if total is None or total > MOST_APPOINTMENTS:
        return replace(holder, appointment_count=total)
    return replace(holder, offices=(*holder.offices, *offices), appointment_count=total)


async def _offices(
    ctx: Context, register: CompaniesHouse, officer_id: str
) -> tuple[int, tuple[Office, ...]]:
    """How many offices somebody has, and those; the register may know none (404)."""
    listing = await register.appointments(officer_id, most=MOST_APPOINTMENTS)
    note_drift(ctx, listing)
    return listing.total, tuple(_other_offices(listing.items))


def _other_offices(appointments: Sequence[Appointment]) -> Iterable[Office]:
    for one in appointments:
        number = uk_company_number(one.appointed_to.company_number)
        if number is not None:
            yield Office(
                number,
                clean_name(one.appointed_to.company_name),
                _role(one.officer_role),
                one.appointed_on,
                one.resigned_on,
                one.occupation,
                one.appointed_to.company_status,
                public_page(number, "/officers"),
            )


def _of_officer(officer: Officer, number: str, name: str) -> Holder:
    page = public_page(number, "/officers")
    office = Office(
        number,
        name,
        _role(officer.officer_role),
        officer.appointed_on,
        officer.resigned_on,
        officer.occupation,
        source_url=page,
    )
    return Holder(replace(named_officer(officer), source_url=page), (office,))


def _of_owner(owner: Owner, number: str, name: str) -> Holder:
    page = public_page(number, "/persons-with-significant-control")
    office = Office(
        number, name, _role(owner.kind), owner.notified_on, owner.ceased_on, source_url=page
    )
    person = NamedPerson.written(
        owner.name,
        born=born(owner.date_of_birth),
        register_number=uk_number(owner.identification),
        is_company=owner.kind.startswith(OF_COMPANIES),
        source_url=page,
    )
    return Holder(person, (office,))


def _role(written: str) -> str:
    return NOT_ROLE.sub("-", written.lower()).strip("-0123456789")[:100] or "officer"
