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

SEARCH = statement("streams/search_companies")


@dataclass(frozen=True)
class CompanyFinder:
    """What the organisation `org_id` may see; `stream_id` is the stream whose scores are shown."""

    database: Database
    org_id: UUID | None
    stream_id: UUID | None

    async def search(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Companies for which all of `wanted` holds (see tools/company_search.py), without what is
        not known of them."""
        query, industry = wanted["query"], wanted["industry"]
        in_stream = wanted["in_stream"]
        rows = await self.database.fetch_all(
            SEARCH,
            {
                "org_id": self.org_id,
                "stream_id": self.stream_id,
                "in_stream": self.stream_id is not None if in_stream is None else in_stream,
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
        return [
            {key: value for key, value in row.items() if value not in (None, [])} for row in rows
        ]
