"""Answers of the outside world, kept in the database for all runners, within a bound of bytes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oppspot_runner.base.jsonsafe import dumps
from oppspot_runner.base.web import KeptAnswer
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.db.through import Through, at_once

GET = statement("outside/get_answer")
PUT = statement("outside/put_answer")
RENEW = statement("outside/renew_answer")
BOUND = statement("outside/bound_answers")
CLEAR = statement("outside/clear_answers")
CLOCK = statement("tasks/clock")

MOST_BYTES = 256 * 1024 * 1024  # of all answers together
BOUND_EVERY = 50  # answers; the first one of a process too


@dataclass(frozen=True)
class SharedAnswerCache:
    """Keeps answers up to `most_bytes`; those go first whose time is over first."""

    database: Database
    through: Through = at_once
    most_bytes: int = MOST_BYTES
    _puts: itertools.count[int] = field(default_factory=itertools.count)

    async def get(self, key: str) -> KeptAnswer | None:
        """What was put there, unless its time is over; None when there is nothing."""
        row = await self.through(lambda: self.database.fetch_one(GET, {"key": key}))
        return None if row is None else KeptAnswer(**row)

    async def put(self, key: str, source: str, kept: KeptAnswer, keep_s: float) -> datetime:
        """Keeps an answer that has just come, for `keep_s` seconds at most; the time of now."""
        row = {
            "key": key,
            "source": source,
            "url": kept.url,
            "status": kept.status,
            "refusal": kept.refusal,
            "headers": dumps(dict(kept.headers)),
            "etag": kept.etag,
            "last_modified": kept.last_modified,
            "body": kept.body,
            "keep_s": keep_s,
        }
        fetched_at = await self._fetched_at(PUT, row)
        assert fetched_at is not None
        if next(self._puts) % BOUND_EVERY == 0:
            await self.through(lambda: self.database.execute(BOUND, {"most": self.most_bytes}))
        return fetched_at

    async def renew(self, key: str, keep_s: float) -> datetime | None:
        """Notes that what is kept is right now; the time of now, None where it is gone."""
        return await self._fetched_at(RENEW, {"key": key, "keep_s": keep_s})

    async def clear(self, source: str | None = None) -> int:
        """Forgets all answers, or those of one source; how many."""
        return await self.through(lambda: self.database.execute(CLEAR, {"source": source}))

    async def now(self) -> datetime:
        """The time by the clock of the database."""
        row = await self.through(lambda: self.database.fetch_one(CLOCK))
        assert row is not None
        now: datetime = row["now"]
        return now

    async def _fetched_at(self, query: Any, row: dict[str, Any]) -> datetime | None:
        found = await self.through(lambda: self.database.fetch_one(query, row))
        return None if found is None else found["fetched_at"]
