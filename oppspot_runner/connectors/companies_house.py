"""Asks Companies House, the register of UK companies, and its store of documents.

There is no such company is an answer, not an error. A key is needed; see connectors/sources.py for
it and for how often the register may be asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from oppspot_runner.base.web import Answer, Parameter, Web
from oppspot_runner.connectors.answered import Answered
from oppspot_runner.connectors.companies_house_answers import (
    Appointment,
    DocumentMetadata,
    Filing,
    FoundCompany,
    Listing,
    Officer,
    Owner,
    Profile,
    read_listing,
    read_one,
)

M = TypeVar("M", bound=Answered)
Parameters = Mapping[str, Parameter]

REGISTER, DOCUMENTS = "companies_house", "companies_house_documents"
PUBLIC = "https://find-and-update.company-information.service.gov.uk/company"
XHTML = "application/xhtml+xml"
PAGE = 100
MOST_PAGES = 10  # of a list about one company: more than 1,000 officers is no company to know
MOST_FOUND = 5_000  # companies in one answer of the advanced search


@dataclass(frozen=True)
class CompaniesHouse:
    """The register, asked through `web`; `fresh_for` is how old an answer may be."""

    web: Web
    fresh_for: timedelta | None = None

    async def profile(self, number: str) -> Profile | None:
        """The company with that number, as uk_company_number writes it; None = there is none."""
        answer = await self._get(f"company/{number}")
        return read_one(answer, Profile) if answer.found else None

    async def search(self, words: str, *, size: int = 20, start: int = 0) -> Listing[FoundCompany]:
        """Companies by the words of their names, the likeliest first."""
        params: Parameters = {"q": words, "items_per_page": size, "start_index": start}
        return await self._listing("search/companies", params, FoundCompany, "total_results")

    async def advanced_search(
        self, criteria: Parameters, *, size: int = 500, start: int = 0
    ) -> Listing[FoundCompany]:
        """Companies that meet all `criteria`, which have the names of the register's parameters.

        `size` is at most MOST_FOUND.
        """
        params = {**criteria, "size": size, "start_index": start}
        return await self._listing("advanced-search/companies", params, FoundCompany, "hits")

    async def officers(self, number: str) -> Listing[Officer]:
        """All officers of a company, the latest appointments first, also those who resigned."""
        params = {"order_by": "appointed_on"}
        return await self._pages(f"company/{number}/officers", params, Officer, "total_results")

    async def appointments(self, officer_id: str, *, most: int) -> Listing[Appointment]:
        """All offices of a person in any company; of one with more than `most` only the first."""
        path = f"officers/{officer_id}/appointments"
        return await self._pages(path, {}, Appointment, "total_results", most)

    async def owners(self, number: str) -> Listing[Owner]:
        """All persons with significant control of a company, also those who had it."""
        path = f"company/{number}/persons-with-significant-control"
        return await self._pages(path, {}, Owner, "total_results")

    async def filings(
        self, number: str, categories: Sequence[str], *, size: int = PAGE, start: int = 0
    ) -> Listing[Filing]:
        """Entries of the filing history in these categories, newest first."""
        params: Parameters = {
            "category": ",".join(categories),
            "items_per_page": size,
            "start_index": start,
        }
        path = f"company/{number}/filing-history"
        return await self._listing(path, params, Filing, "total_count")

    async def document(self, document_id: str, media_type: str = XHTML) -> Answer | None:
        """A filed document in that form; None where there is none in it."""
        path = f"document/{document_id}"
        answer = await self.web.get(DOCUMENTS, path, fresh_for=self.fresh_for)
        if not answer.found or media_type not in read_one(answer, DocumentMetadata).resources:
            return None
        content = await self.web.get(
            DOCUMENTS,
            f"{path}/content",
            headers={"accept": media_type},
            fresh_for=self.fresh_for,
        )
        return content if content.found else None

    async def _get(self, path: str, params: Parameters | None = None) -> Answer:
        return await self.web.get(REGISTER, path, params, fresh_for=self.fresh_for)

    async def _listing(
        self, path: str, params: Parameters, model: type[M], total: str
    ) -> Listing[M]:
        answer = await self._get(path, params)
        if not answer.found:
            return Listing(seen_at=answer.fetched_at)
        return read_listing(answer, model, total)

    async def _pages(
        self,
        path: str,
        params: Parameters,
        model: type[M],
        total: str,
        most: int | None = None,
    ) -> Listing[M]:
        """All pages of a list, up to MOST_PAGES; of one with more than `most` items the first."""
        params = {**params, "items_per_page": PAGE}
        whole = page = await self._listing(path, {**params, "start_index": 0}, model, total)
        if most is not None and page.total > most:
            return page
        for _ in range(MOST_PAGES - 1):
            if not page.given or whole.given >= page.total:
                break
            place = {**params, "start_index": whole.given}
            page = await self._listing(path, place, model, total)
            whole = replace(
                page, items=whole.items + page.items, drifted=whole.drifted + page.drifted
            )
        return whole


def public_page(number: str, part: str = "") -> str:
    """Where people find a company in the register."""
    return f"{PUBLIC}/{number}{part}"
