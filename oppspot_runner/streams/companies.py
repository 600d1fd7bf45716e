"""Companies and facts as one organisation sees them: its own rows and those that belong to nobody.

Only reads; `enrichment` writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from oppspot_runner.companies.company import Company, Fact, company_from_row
from oppspot_runner.companies.search import Hit, Search, Want
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.streams.planning import without_jit

FIND = statement("streams/find_companies")
LOAD = statement("streams/load_companies")
LOAD_FACTS = statement("streams/load_facts")


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
    ) -> list[Hit]:
        """At most `limit` companies that the search finds, by id, from the one after `after`."""
        values = {
            **search.values,
            "org_id": self.org_id,
            "stream_id": stream_id,
            "want": want,
            "after": after,
            "limit": limit,
        }
        async with without_jit(self.db) as tx:
            cursor = await tx.execute(FIND, values)
            return [Hit(row["id"], row["in_stream"], row["ruled_out"]) async for row in cursor]
