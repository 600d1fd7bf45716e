"""Results of tools, kept in the database for all runners: a bounded number, each for its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from oppspot_runner.base.jsonsafe import dumps
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.db.through import Through, at_once

GET = statement("tools/get_result")
PUT = statement("tools/put_result")
BOUND = statement("tools/bound_results")
CLEAR = statement("tools/clear_results")

MOST_RESULTS = 1_000
MOST_BYTES = 256 * 1024  # of one result: many large ones would be a table to care for


@dataclass(frozen=True)
class SharedResultCache:
    """Keeps at most `MOST_RESULTS`; those go first whose time is over first."""

    database: Database
    through: Through = at_once

    async def get(self, key: str) -> dict[str, Any] | None:
        """What was put there, unless its time is over; None when there is nothing."""
        row = await self.through(lambda: self.database.fetch_one(GET, {"key": key}))
        return None if row is None else row["result"]

    async def put(self, key: str, kept: dict[str, Any], ttl_s: float) -> None:
        """Keeps what went through `clean` for `ttl_s` seconds; what is too large is not kept."""
        text = dumps(kept)
        if len(text) > MOST_BYTES:
            return
        row = {"key": key, "result": text, "ttl_s": ttl_s}
        await self.through(lambda: self.database.execute(PUT, row))
        await self.through(lambda: self.database.execute(BOUND, {"most": MOST_RESULTS}))

    async def clear(self, tool_name: str | None = None) -> int:
        """Forgets all results, or those of one tool; how many."""
        return await self.through(lambda: self.database.execute(CLEAR, {"tool": tool_name}))
