"""A company as the register shows it on one day: what comes later is not known yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from oppspot_runner.testing.world.content import Address, Officer, RegisteredCompany


def as_of(company: RegisteredCompany, today: date) -> RegisteredCompany | None:
    """The company on that day; None before it was incorporated."""
    if company.incorporated > today:
        return None
    ceased = _past(company.ceased, today)
    insolvent_since = _past(company.insolvent_since, today)
    ended = ceased == company.ceased and insolvent_since == company.insolvent_since
    return replace(
        company,
        name=_name(company, today),
        status=company.status if ended else "active",
        ceased=ceased,
        insolvent_since=insolvent_since,
        address=_address(company, today),
        officers=_officers(company.officers, today),
        owners=_officers(company.owners, today),
        parents=tuple(
            replace(one, ceased=_past(one.ceased, today))
            for one in company.parents
            if one.notified <= today
        ),
        accounts=tuple(one for one in company.accounts if one.filed <= today),
        share_issues=tuple(
            replace(one, amended=_past(one.amended, today))
            for one in company.share_issues
            if one.on <= today
        ),
        charges=tuple(
            replace(one, satisfied=_past(one.satisfied, today))
            for one in company.charges
            if one.created <= today
        ),
        previous_names=tuple(one for one in company.previous_names if one[2] <= today),
        previous_addresses=tuple(one for one in company.previous_addresses if one[1] <= today),
    )


def _past(day: date | None, today: date) -> date | None:
    return day if day is not None and day <= today else None


def _officers(people: tuple[Officer, ...], today: date) -> tuple[Officer, ...]:
    return tuple(
        replace(one, resigned=_past(one.resigned, today))
        for one in people
        if one.appointed <= today
    )


def _name(company: RegisteredCompany, today: date) -> str:
    later = [(until, name) for name, _, until in company.previous_names if until > today]
    return min(later)[1] if later else company.name


def _address(company: RegisteredCompany, today: date) -> Address:
    later = [one for one in company.previous_addresses if one[1] > today]
    return min(later, key=lambda one: one[1])[0] if later else company.address
