"""A register of UK companies made up for these tests, as `Answering` gives it out."""

from __future__ import annotations

from datetime import date
from typing import Any

from oppspot_runner.connectors.companies_house import XHTML
from tests.connectors.answering import Answering
from tests.connectors.test_accounts import accounts, context, tagged

SOURCES = ("companies_house", "companies_house_documents")


def number(place: int) -> str:
    return f"{place:08}"


def profile(place: int, name: str, **more: Any) -> dict[str, Any]:
    return {
        "company_name": name.upper(),
        "company_number": number(place),
        "company_status": "active",
        "type": "ltd",
        "jurisdiction": "england-wales",
        "date_of_creation": "2015-03-04",
        "sic_codes": ["62012", "62020"],
        "registered_office_address": {"locality": "STOKE-ON-TRENT", "country": "England"},
        "accounts": {"last_accounts": {"type": "micro-entity", "made_up_to": "2025-03-31"}},
        **more,
    }


def head_counts(*counts: tuple[str, str]) -> bytes:
    """Accounts that state head counts, each with the end of its period."""
    contexts = "".join(context(f"c{place}", day) for place, (day, _) in enumerate(counts))
    values = "".join(tagged(text, f"c{place}") for place, (_, text) in enumerate(counts))
    return accounts(values, contexts=contexts)


def filing(place: int, document: str | None, day: date = date(2025, 9, 1)) -> dict[str, Any]:
    link = f"https://document.test/document/{document}" if document else None
    return {
        "transaction_id": f"t{place}",
        "category": "accounts",
        "type": "AA",
        "date": day.isoformat(),
        "links": {"self": "/x", "document_metadata": link},
    }


OFFICERS = [
    {"name": "SMITH, Ada", "officer_role": "director", "appointed_on": "2020-01-02"},
    {"name": "GONE, Long", "officer_role": "secretary", "resigned_on": "2019-01-02"},
    {"name": "LEDGER NOMINEES LTD", "officer_role": "corporate-secretary"},
]
COUNTS = (("2025-03-31", "15"), ("2024-03-31", "12"))


class Register(Answering):
    """Companies by their places; each has a profile, officers and accounts."""

    def company(self, place: int, name: str, **more: Any) -> str:
        path = f"company/{number(place)}"
        self.answers[path] = profile(place, name, **more)
        self.answers[f"{path}/officers"] = {"total_results": 3, "items": OFFICERS}
        self.answers[f"{path}/filing-history"] = {
            "total_count": 1,
            "items": [filing(place, f"D{place}")],
        }
        self.document(f"D{place}", head_counts(*COUNTS))
        return number(place)

    def document(self, name: str, content: bytes | None, form: str = XHTML) -> None:
        self.answers[f"document/{name}"] = {"resources": {form: {}}}
        self.answers[f"document/{name}/content"] = content

    def of(self, company_number: str) -> list[str]:
        """What was asked about one company, in order."""
        return [path for path in self.paths if path.startswith(f"company/{company_number}")]
