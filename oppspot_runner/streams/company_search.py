"""Companies by words, for people and models who ask a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from oppspot_runner.companies.industry_table import industry_table
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

SEARCH_COMPANIES = statement("streams/search_companies")
SEARCH_ITEMS = statement("streams/search_items")
NOTHING: tuple[None, list[str]] = (None, [])


@dataclass(frozen=True)
class CompanyFinder:
    """What the organisation `org_id` may see; `stream_id` is the stream that it works for."""

    database: Database
    org_id: UUID | None
    stream_id: UUID | None

    async def search(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Companies for which all of `wanted` holds (see tools/company_search.py), without what is
        not known of them; those in the stream, where there is one, unless `in_stream` is False."""
        query, industry, in_stream = wanted["query"], wanted["industry"], wanted["in_stream"]
        if in_stream is None:
            in_stream = self.stream_id is not None
        rows = await self.database.fetch_all(
            SEARCH_ITEMS if in_stream else SEARCH_COMPANIES,
            {
                "org_id": self.org_id,
                "stream_id": self.stream_id,
                "name": normalise_name(query) if query else None,
                "words": query.lower() if query else None,
                "country": wanted["country"] and wanted["country"].upper(),
                "industries": industry_table().tags_for([industry]) if industry else None,
                "least": wanted["min_employees"],
                "most": wanted["max_employees"],
                "limit": wanted["limit"],
                "offset": wanted["offset"],
            },
        )
        return [{key: item for key, item in row.items() if item not in NOTHING} for row in rows]
