"""Officers of the register as people who can be told apart, without those who were forgotten.

The register still knows whom we have forgotten: whoever reads a list of officers leaves them out.
"""

from __future__ import annotations

import re
from dataclasses import replace

from oppspot_runner.agents.context import Context
from oppspot_runner.companies.company_numbers import uk_company_number
from oppspot_runner.connectors.companies_house_answers import (
    BirthMonth,
    Identification,
    Listing,
    Officer,
)
from oppspot_runner.people.person import Born, NamedPerson

IN_UK = re.compile(
    r"\b(england|wales|scotland|northern ireland|united kingdom|uk|companies house)\b"
)
OF_COMPANIES = ("corporate-", "legal-person-")


async def without_forgotten(
    ctx: Context, listing: Listing[Officer], number: str
) -> Listing[Officer]:
    """The officers of the company with that number but for those who were forgotten."""
    named = [named_officer(one) for one in listing.items]
    gone = await ctx.people.forgotten({trace for one in named for trace in one.traces}, number)
    if not gone:
        return listing
    kept = (
        officer
        for officer, one in zip(listing.items, named, strict=True)
        if gone.isdisjoint(one.traces)
    )
    return replace(listing, items=tuple(kept))


def named_officer(officer: Officer) -> NamedPerson:
    """An officer as somebody who can be told apart."""
    return NamedPerson.written(
        officer.name,
        born=born(officer.date_of_birth),
        register_id=officer.officer_id,
        register_number=uk_number(officer.identification),
        is_company=officer.officer_role.startswith(OF_COMPANIES),
    )


def born(stated: BirthMonth | None) -> Born | None:
    """Year and month."""
    return (stated.year, stated.month) if stated else None


def uk_number(identification: Identification | None) -> str | None:
    """The number of a company that says it is registered in the UK; others have numbers alike."""
    if identification is None or not identification.registration_number:
        return None
    where = f"{identification.country_registered} {identification.place_registered}".lower()
    return uk_company_number(identification.registration_number) if IN_UK.search(where) else None
