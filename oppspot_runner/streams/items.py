"""The companies of one stream: add, score, renumber, read, and what is due for enrichment.

Sees the streams of one organisation only: of another one's stream it finds nothing and changes
nothing. Writers take `tx`, a connection inside a transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.companies.company import company_from_row
from oppspot_runner.companies.items import (
    Coverage,
    DueCompany,
    Enriched,
    Item,
    ScoredCompany,
    score_row,
)
from oppspot_runner.companies.scoring_model import Stage
from oppspot_runner.companies.scoring_parts import Signal, signal_from_row
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.streams.enrichment import save_enrichment
from oppspot_runner.streams.planning import without_jit

ADD = statement("streams/add_items")
DUE = statement("streams/due_items")
IDS = statement("streams/item_ids")
IS_WATCHED = statement("streams/is_watched")
LOAD = statement("streams/load_items")
LOCK = statement("streams/lock_stream")
MEASURE = statement("streams/measure_coverage")
RENUMBER = statement("streams/renumber_items")
SAVE_SCORES = statement("streams/save_scores")
TOP = statement("streams/top_items")

ERROR_TTL = timedelta(minutes=15)  # a provider that failed is asked again sooner


class ItemStore:
    """The items of stream `stream_id`, for the organisation `org_id`."""

    def __init__(self, db: Database, org_id: UUID | None, stream_id: UUID) -> None:
        self.db = db
        self.org_id = org_id
        self.stream_id = stream_id

    @property
    def _own(self) -> dict[str, Any]:
        return {"org_id": self.org_id, "stream_id": self.stream_id}

    async def ids(self) -> list[UUID]:
        """The companies of the stream in the order of their positions."""
        return [row["company_id"] for row in await self.db.fetch_all(IDS, self._own)]

    async def top(self, limit: int = 10) -> list[dict[str, Any]]:
        """The first companies with their scores and reasons, for people to read."""
        return await self.db.fetch_all(TOP, {**self._own, "limit": limit})

    async def load(self) -> list[Item]:
        """All items with their companies, best facts and signals, in one statement, by company."""
        async with without_jit(self.db) as tx:
            cursor = await tx.execute(LOAD, {**self._own, "company_id": None})
            return [_item(row) async for row in cursor]

    async def is_watched(self) -> bool:
        """Whether a watcher has seen anything yet at any of the companies."""
        row = await self.db.fetch_one(IS_WATCHED, self._own)
        return row is not None and bool(row["watched"])

    async def lock(self, tx: Connection) -> None:
        """Makes other writers of the stream wait. Raises NotFoundError when it is gone."""
        if await (await tx.execute(LOCK, self._own)).fetchone() is None:
            raise NotFoundError(f"there is no stream {self.stream_id} any more")

    async def add(
        self,
        best: Sequence[ScoredCompany],
        *,
        found: Sequence[UUID],
        target: int,
        model_version: str,
        now: datetime,
        agent_id: UUID,
        tx: Connection,
    ) -> list[UUID]:
        """Adds the best until `target` companies of `found` are in the stream; who was added.

        `best` comes best first. A company that is there already stays as it is.
        """
        rows = [score_row(one.company.id, one.score, place=place) for place, one in enumerate(best)]
        values = {
            **self._own,
            "scores": f"[{','.join(rows)}]",
            "found": list(found),
            "target": target,
            "model_version": model_version,
            "now": now,
            "agent_id": agent_id,
        }
        return [row["company_id"] for row in await (await tx.execute(ADD, values)).fetchall()]

    async def save_scores(
        self,
        rows: Sequence[str],
        *,
        stage: Stage,
        model_version: str,
        now: datetime,
        tx: Connection,
    ) -> int:
        """Writes scores where they differ from what is stored; the number that did.

        `rows` are made by `score_row`, with the id of the item and `changed`.
        """
        values = {
            **self._own,
            "scores": f"[{','.join(rows)}]",
            "stage": stage,
            "model_version": model_version,
            "now": now,
        }
        return (await tx.execute(SAVE_SCORES, values)).rowcount

    async def renumber(self, tx: Connection) -> None:
        """Gives positions 1, 2, 3 ... by score; equal scores by confidence, then by name."""
        await tx.execute(RENUMBER, self._own)

    async def coverage(self) -> Coverage:
        """How many companies have each field of completeness."""
        row = await self.db.fetch_one(MEASURE, self._own)
        assert row is not None
        items = row.pop("items")
        return Coverage(items, row)

    async def due(
        self,
        ttls: Mapping[str, timedelta],
        *,
        since: datetime,
        outside: Collection[str] = (),
        force: bool = False,
        company_ids: Sequence[UUID] | None = None,
    ) -> list[DueCompany]:
        """Companies that a provider, named in `ttls`, should be asked about; best position first.

        `force` ignores the time to live. Whoever was asked after `since`, the begin of the work,
        is not due again, so that a retry goes on where the last attempt stopped. Providers that are
        `outside` are asked again for a change of the company only where they knew nothing.
        """
        values = {
            **self._own,
            "providers": list(ttls),
            "ttls_s": [ttl.total_seconds() for ttl in ttls.values()],
            "outside": [name in outside for name in ttls],
            "error_ttl_s": ERROR_TTL.total_seconds(),
            "since": since,
            "force": force,
            "company_ids": None if company_ids is None else list(company_ids),
        }
        async with without_jit(self.db) as tx:
            cursor = await tx.execute(DUE, values)
            return [DueCompany(row["id"], tuple(row["due"])) async for row in cursor]

    async def save_enrichment(self, page: Sequence[Enriched]) -> None:
        """Writes what providers said about a page of companies, in one transaction of its own."""
        await save_enrichment(self.db, self.org_id, self.stream_id, page)


def _item(row: dict[str, Any]) -> Item:
    score = row["quality_score"]
    cents = None if score is None else int(score * 100)
    company, signals = company_from_row(row), signals_in(row)
    return Item(row["item_id"], company, cents, row["score_parts"], signals)


def signals_in(row: dict[str, Any]) -> tuple[Signal, ...]:
    """The signals of a row of LOAD."""
    return tuple(map(signal_from_row, row["signals"] or ()))
