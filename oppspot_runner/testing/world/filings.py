"""What companies filed: the history of a company, newest first, and where the documents are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from oppspot_runner.testing.world.content import Accounts, RegisteredCompany
from oppspot_runner.testing.world.exchange import digest


@dataclass(frozen=True)
class Filing:
    """An entry of the history. `accounts` are what was filed, where that is what it is about."""

    category: str
    form: str
    on: date
    description: str
    values: Mapping[str, Any] = field(default_factory=dict)
    accounts: Accounts | None = None

    def document(self, company: RegisteredCompany) -> str:
        """The id of what was filed."""
        return digest(f"{company.number} {self.form} {self.on} {self.description}")[:32]


def history(company: RegisteredCompany) -> list[Filing]:
    """All that the company filed, newest first."""
    return sorted(_filed(company), key=lambda one: one.on, reverse=True)


def rendered(filing: Filing, company: RegisteredCompany, world_url: str) -> dict[str, Any]:
    """An entry as the register gives it."""
    document = filing.document(company)
    own = f"/company/{company.number}/filing-history/{document}"
    return {
        "transaction_id": document,
        "category": filing.category,
        "type": filing.form,
        "date": filing.on.isoformat(),
        "action_date": filing.on.isoformat(),
        "description": filing.description,
        "description_values": dict(filing.values),
        "links": {"self": own, "document_metadata": f"{world_url}/ch-doc/document/{document}"},
        "pages": 9 if filing.category == "accounts" else 2,
    }


def _filed(company: RegisteredCompany) -> Iterator[Filing]:
    begun = company.incorporated
    yield Filing("incorporation", "NEWINC", begun, "incorporation-company")
    for one in company.accounts:
        description = f"accounts-with-accounts-type-{one.kind}"
        values = {"made_up_date": one.made_up_to.isoformat()}
        yield Filing("accounts", "AA", one.filed, description, values, one)
        statement = "confirmation-statement-with-no-updates"
        yield Filing("confirmation-statement", "CS01", one.filed, statement, values)
    yield from _shares(company)
    for charge in company.charges:
        description = "mortgage-create-with-deed-with-charge-number-charge-creation-date"
        values = {"charge_creation_date": charge.created.isoformat()}
        yield Filing("mortgage", "MR01", charge.created, description, values)
    for name, _, until in company.previous_names:
        description = "certificate-change-of-name-company"
        yield Filing("change-of-name", "CERTNM", until, description, {"old_name": name.upper()})
    for office, until in company.previous_addresses:
        description = "change-registered-office-address-company-with-date-old-address-new-address"
        values = {"old_address": office.line, "change_date": until.isoformat()}
        yield Filing("address", "AD01", until, description, values)
    yield from _offices(company)


def _shares(company: RegisteredCompany) -> Iterator[Filing]:
    for issue in company.share_issues:
        capital = [{"figure": issue.capital, "currency": "GBP"}]
        values = {"date": issue.on.isoformat(), "capital": capital}
        yield Filing("capital", "SH01", issue.on, "capital-allotment-shares", values)
        if issue.amended:
            description = "second-filing-capital-allotment-shares"
            yield Filing("capital", "RP04SH01", issue.amended, description, values)


def _offices(company: RegisteredCompany) -> Iterator[Filing]:
    for person in company.officers:
        name = {"officer_name": person.name}
        if person.appointed > company.incorporated:
            description = "appoint-person-director-company-with-name-date"
            values = {**name, "appointment_date": person.appointed.isoformat()}
            yield Filing("officers", "AP01", person.appointed, description, values)
        if person.resigned:
            description = "termination-director-company-with-name-termination-date"
            values = {**name, "termination_date": person.resigned.isoformat()}
            yield Filing("officers", "TM01", person.resigned, description, values)
