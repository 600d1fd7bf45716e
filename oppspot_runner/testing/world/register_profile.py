"""A company of the register in the shapes in which it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from oppspot_runner.testing.world.content import Address, RegisteredCompany
from oppspot_runner.testing.world.exchange import digest

YEAR = timedelta(days=365)
TIME_TO_FILE = timedelta(days=275)
FOR_THE_STATEMENT = timedelta(days=14)


def profile(company: RegisteredCompany, today: date) -> dict[str, Any]:
    """All about the company, which is late with accounts that are due before `today`."""
    number = company.number
    more = {
        "company_status_detail": company.status_detail,
        "date_of_cessation": _day(company.ceased),
    }
    return {
        "company_name": company.name.upper(),
        "company_number": number,
        "company_status": company.status,
        **{name: value for name, value in more.items() if value is not None},
        "type": company.kind,
        "jurisdiction": company.jurisdiction,
        "date_of_creation": company.incorporated.isoformat(),
        "sic_codes": list(company.sic_codes),
        "registered_office_address": address(company.address),
        "accounts": _accounts(company, today),
        "confirmation_statement": _statement(company),
        "previous_company_names": [
            {"name": name.upper(), "effective_from": _day(since), "ceased_on": _day(until)}
            for name, since, until in company.previous_names
        ],
        "has_charges": bool(company.charges),
        "has_insolvency_history": company.insolvent_since is not None,
        "can_file": company.ceased is None,
        "undeliverable_registered_office_address": False,
        "etag": digest(repr(company)),
        "links": _links(company),
    }


def found_item(company: RegisteredCompany) -> dict[str, Any]:
    """The company as the advanced search gives it."""
    return {
        "company_name": company.name.upper(),
        "company_number": company.number,
        "company_status": company.status,
        "company_type": company.kind,
        "company_subtype": None,
        "date_of_creation": company.incorporated.isoformat(),
        "date_of_cessation": _day(company.ceased),
        "sic_codes": list(company.sic_codes),
        "registered_office_address": address(company.address),
        "links": {"company_profile": f"/company/{company.number}"},
        "kind": "search-results#company",
    }


def search_item(company: RegisteredCompany, query: str) -> dict[str, Any]:
    """The company as the search by name gives it."""
    place = address(company.address)
    begin = company.name.lower().find(query.lower()) + 1
    return {
        "title": company.name.upper(),
        "company_number": company.number,
        "company_status": company.status,
        "company_type": company.kind,
        "date_of_creation": company.incorporated.isoformat(),
        "address": place,
        "address_snippet": ", ".join(place.values()),
        "description": f"{company.number} - Incorporated on {company.incorporated:%d %B %Y}",
        "matches": {"title": [begin, begin + len(query) - 1] if begin else []},
        "kind": "searchresults#company",
        "links": {"self": f"/company/{company.number}"},
    }


def address(office: Address) -> dict[str, str]:
    """A registered office, without the lines that it has not."""
    lines = {
        "address_line_1": office.line,
        "locality": office.town,
        "region": office.region,
        "postal_code": office.postcode,
        "country": office.country,
    }
    return {name: line for name, line in lines.items() if line}


def _accounts(company: RegisteredCompany, today: date) -> dict[str, Any]:
    ends = company.accounts[0].made_up_to if company.accounts else company.incorporated
    due = ends + YEAR + TIME_TO_FILE
    accounts: dict[str, Any] = {
        # Numbers, says the documentation.
        "accounting_reference_date": {"day": f"{ends.day}", "month": f"{ends.month:02}"},
        "next_accounts": {
            "due_on": due.isoformat(),
            "overdue": bool(company.accounts) and due < today and company.ceased is None,
        },
    }
    if company.accounts:
        accounts["last_accounts"] = {
            "made_up_to": ends.isoformat(),
            "period_start_on": (ends - YEAR + timedelta(days=1)).isoformat(),
            "period_end_on": ends.isoformat(),
            "type": company.accounts[0].kind,
        }
    return accounts


def _statement(company: RegisteredCompany) -> Mapping[str, Any]:
    last = company.accounts[0].filed if company.accounts else company.incorporated
    return {
        "last_made_up_to": last.isoformat(),
        "next_due": (last + YEAR + FOR_THE_STATEMENT).isoformat(),
        "overdue": False,
    }


def _links(company: RegisteredCompany) -> dict[str, str]:
    here = f"/company/{company.number}"
    parts = {
        "officers": company.officers,
        "filing_history": True,
        "charges": company.charges,
        "insolvency": company.insolvent_since,
        "persons_with_significant_control": company.owners or company.parents,
    }
    named = {name: f"{here}/{name.replace('_', '-')}" for name, there in parts.items() if there}
    return {"self": here, **named}


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
