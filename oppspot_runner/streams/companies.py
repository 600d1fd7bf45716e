"""Companies and facts as one organisation sees them: its own rows and those that belong to nobody.

Reads, and adds what a public register knows; `enrichment` writes what is found out about them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.companies.company import Company, Fact, company_from_row
from oppspot_runner.companies.search import Search, SearchPage, Want
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.streams.enrichment import ADD_FACTS, fact_row
from oppspot_runner.streams.planning import without_jit
from oppspot_runner.streams.searching import find_page

ADD = statement("streams/add_companies")
BY_NUMBER = statement("streams/companies_by_number")
LOAD = statement("streams/load_companies")
LOAD_FACTS = statement("streams/load_facts")
MATCH = statement("streams/match_companies")
RECORD = "*"  # the field of a fact that holds many by their names
COLUMNS = (
    "company_number",
    "name",
    "name_norm",
    "status",
    "country",
    "region",
    "town",
    "sic_codes",
    "incorporated",
)


class CompanyStore:
    """Companies that the organisation `org_id` may see."""

    def __init__(self, db: Database, org_id: UUID | None) -> None:
        self.db = db
        self.org_id = org_id

    async def get(self, company_id: UUID) -> Company | None:
        """One company, or None when there is none or it belongs to somebody else."""
        found = await self.load([company_id])
        return found[0] if found else None

    async def load(self, ids: Sequence[UUID]) -> list[Company]:
        """Those of `ids` that may be seen, by id, each with the best fact of every field."""
        if not ids:
            return []
        async with without_jit(self.db) as tx:
            cursor = await tx.execute(LOAD, {"ids": list(ids), "org_id": self.org_id})
            return [company_from_row(row) async for row in cursor]

    async def facts(self, ids: Sequence[UUID]) -> dict[UUID, tuple[Fact, ...]]:
        """All facts on record that may change what is believed about each of `ids`."""
        found: dict[UUID, list[Fact]] = defaultdict(list)
        for row in await self.db.fetch_all(LOAD_FACTS, {"ids": list(ids), "org_id": self.org_id}):
            found[row.pop("company_id")].append(Fact(**row))
        return {company_id: tuple(facts) for company_id, facts in found.items()}

    async def find(
        self,
        search: Search,
        *,
        stream_id: UUID,
        want: Want = "match",
        after: UUID | None = None,
        limit: int = 500,
    ) -> SearchPage:
        """At most `limit` companies that the search finds, by id, from the one after `after`."""
        own = {"org_id": self.org_id, "stream_id": stream_id, "want": want}
        return await find_page(self.db, {**search.values, **own}, after=after, limit=limit)

    async def known(self, companies: Sequence[Company]) -> set[str]:
        """The register numbers of those among `companies` of the UK that are on record already."""
        numbered = [one for one in companies if one.company_number]
        values = {
            "org_id": self.org_id,
            "numbers": [one.company_number for one in numbered],
            "names": [one.name_norm for one in numbered],
        }
        return {row["number"] for row in await self.db.fetch_all(MATCH, values)}

    async def add(
        self, companies: Sequence[Company], *, source: str, tx: Connection
    ) -> Mapping[UUID, UUID]:
        """Adds companies of a public register for everybody; the id of each by that in `companies`.

        Who is there already stays as it is. All have numbers, and facts of one source and time.
        """
        rows = [{name: getattr(one, name) for name in COLUMNS} for one in companies]
        await tx.execute(ADD, {"source": source, "companies": dumps(clean(rows))})
        numbers = [one.company_number for one in companies]
        found = await (await tx.execute(BY_NUMBER, {"numbers": numbers})).fetchall()
        by_number = {row["company_number"]: row["id"] for row in found}
        ids = {
            one.id: by_number[one.company_number]
            for one in companies
            if one.company_number in by_number
        }
        records = [fact_row(ids[one.id], _record(one)) for one in companies if one.id in ids]
        values: dict[str, Any] = {"org_id": self.org_id, "facts": dumps(clean(records))}
        await tx.execute(ADD_FACTS, values)
        return ids


def _record(company: Company) -> Fact:
    """All that one source says of a company, as one fact."""
    first = next(iter(company.facts.values()))
    return replace(
        first, field=RECORD, value={name: fact.value for name, fact in company.facts.items()}
    )
