"""What the register has about a company besides its profile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from oppspot_runner.testing.world.content import Officer, Parent, RegisteredCompany
from oppspot_runner.testing.world.exchange import digest

Held = dict[str, list[tuple[RegisteredCompany, Officer]]]


def person_id(person: Officer) -> str:
    """What stands for a person: who has the same name and birth is the same."""
    return digest(f"{person.name} {person.born}")[:27]


def plain_name(person: Officer) -> str:
    """Forename before surname."""
    surname, _, forename = person.name.partition(", ")
    return f"{forename} {surname}".strip()


def appointments(companies: Iterable[RegisteredCompany]) -> Held:
    """Which offices each person holds or held."""
    held: Held = {}
    for company in companies:
        for officer in company.officers:
            held.setdefault(person_id(officer), []).append((company, officer))
    return held


def officer(person: Officer) -> dict[str, Any]:
    """A person in the list of officers."""
    resigned = {"resigned_on": person.resigned.isoformat()} if person.resigned else {}
    return {
        "name": person.name,
        "officer_role": person.role,
        "appointed_on": person.appointed.isoformat(),
        **resigned,
        "occupation": person.occupation,
        "nationality": person.nationality,
        "country_of_residence": "United Kingdom",
        **_birth(person),
        "address": {"locality": "London", "country": "England"},
        "links": {"officer": {"appointments": f"/officers/{person_id(person)}/appointments"}},
    }


def appointment(company: RegisteredCompany, person: Officer) -> dict[str, Any]:
    """A company in the list of what a person is appointed to."""
    return {
        **officer(person),
        "name": plain_name(person),
        "appointed_to": {
            "company_name": company.name.upper(),
            "company_number": company.number,
            "company_status": company.status,
        },
    }


def owners(company: RegisteredCompany) -> list[dict[str, Any]]:
    """Who has significant control."""
    return [
        {
            "kind": "individual-person-with-significant-control",
            "name": plain_name(person),
            "natures_of_control": ["ownership-of-shares-25-to-50-percent"],
            "notified_on": person.appointed.isoformat(),
            "nationality": person.nationality,
            **_birth(person),
            "etag": digest(repr(person)),
        }
        for person in company.owners
    ] + [_parent(one) for one in company.parents]


def _birth(person: Officer) -> dict[str, Any]:
    if person.born is None:
        return {}
    year, month = person.born
    return {"date_of_birth": {"month": month, "year": year}}


def _parent(parent: Parent) -> dict[str, Any]:
    ceased = {"ceased_on": parent.ceased.isoformat()} if parent.ceased else {}
    return {
        "kind": "corporate-entity-person-with-significant-control",
        "name": parent.name,
        "natures_of_control": ["ownership-of-shares-75-to-100-percent"],
        "notified_on": parent.notified.isoformat(),
        **ceased,
        "identification": {
            "legal_form": "Limited Company",
            "legal_authority": "Companies Act 2006",
            "country_registered": "England" if parent.register == "Companies House" else "",
            "place_registered": parent.register,
            "registration_number": parent.number,
        },
        "etag": digest(repr(parent)),
    }


def charges(company: RegisteredCompany) -> dict[str, Any]:
    """The mortgages."""
    satisfied = sum(one.satisfied is not None for one in company.charges)
    return {
        "total_count": len(company.charges),
        "unfiltered_count": len(company.charges),
        "satisfied_count": satisfied,
        "part_satisfied_count": 0,
        "items": [
            {
                "charge_number": place,
                "status": "fully-satisfied" if one.satisfied else "outstanding",
                "created_on": one.created.isoformat(),
                "delivered_on": one.created.isoformat(),
                "persons_entitled": [{"name": one.lender}],
                **({"satisfied_on": one.satisfied.isoformat()} if one.satisfied else {}),
            }
            for place, one in enumerate(company.charges, 1)
        ],
    }


def insolvency(company: RegisteredCompany) -> dict[str, Any]:
    """The cases of insolvency."""
    assert company.insolvent_since is not None
    wound_up = {"type": "wound-up-on", "date": company.insolvent_since.isoformat()}
    return {
        "status": ["liquidation"],
        "cases": [
            {
                "number": "1",
                "type": "creditors-voluntary-liquidation",
                "dates": [wound_up],
                "practitioners": [],
            }
        ],
    }
