"""Signals of companies, as the agents of one organisation saw them, and what to look at next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from oppspot_runner.base.errors import InvalidInputError, NotFoundError
from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.base.task import Task
from oppspot_runner.companies.scoring_parts import Signal, signal_from_row
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import BAD_CONTENT, Connection, Database
from oppspot_runner.signals.looks import DueLook, Failure, NewSignal, SavedLooks
from oppspot_runner.signals.merging import (
    Record,
    earliest,
    least_confidence,
    merge,
    short_key,
)
from oppspot_runner.signals.sighting import MOST_MISSES, Look, Memory, Posting, Sighting
from oppspot_runner.streams.mentions import without_forgotten
from oppspot_runner.streams.signal_rows import (
    new_signal,
    posting_row,
    record_of,
    signal_row,
    watch_row,
)

ADD_INSIGHTS = statement("signals/add_insights")
CLOSE_POSTINGS = statement("signals/close_postings")
DUE = statement("signals/due")
EXPIRE = statement("signals/expire")
LOCK_COMPANIES = statement("signals/lock_companies")
MEMORIES = statement("signals/memories")
OF = statement("signals/of")
OF_TASK = statement("signals/of_task")
ON_RECORD = statement("signals/on_record")
SAVE = statement("signals/save")
SAVE_POSTINGS = statement("signals/save_postings")
SAVE_WATCHES = statement("signals/save_watches")
UNKNOWN_COMPANIES = statement("signals/unknown_companies")

ERROR_EVERY = timedelta(minutes=15)  # a watcher whose look failed looks again sooner

Looks: TypeAlias = Mapping[str, Look | Failure | None]


class SignalStore:
    """Signals for the organisation `org_id`. What is written is credited to `task`, and told as
    insights of `stream_id`, else of every stream of the organisation that has the company."""

    def __init__(
        self,
        db: Database,
        org_id: UUID | None,
        stream_id: UUID | None = None,
        task: Task | None = None,
    ) -> None:
        self.db = db
        self.org_id = org_id
        self.stream_id = stream_id
        self._origin = {
            "org_id": org_id,
            "agent_id": task.agent.id if task and task.agent else None,
            "task_id": task.id if task else None,
            "execution_id": task.execution_id if task else None,
        }

    async def due(
        self,
        watchers: Mapping[str, timedelta],
        *,
        since: datetime,
        stream_id: UUID | None = None,
        company_ids: Sequence[UUID] | None = None,
        force: bool = False,
        limit: int = 1000,
    ) -> list[DueLook]:
        """Companies that a watcher, named in `watchers` with how often it looks, should look at.

        Those looked at longest ago come first. `company_ids` narrows the stream; without a stream
        they are the companies, and without them all in streams of the organisation are. `force`
        ignores how often. Who was looked at after `since`, the begin of the work, is not due
        again.
        """
        values = {
            "org_id": self.org_id,
            "stream_id": stream_id,
            "company_ids": None if company_ids is None else list(company_ids),
            "watchers": list(watchers),
            "everies_s": [every.total_seconds() for every in watchers.values()],
            "error_every_s": ERROR_EVERY.total_seconds(),
            "since": since,
            "force": force,
            "limit": limit,
        }
        rows = await self.db.fetch_all(DUE, values)
        return [DueLook(row["id"], tuple(row["due"])) for row in rows]

    async def unknown(self, company_ids: Sequence[UUID], most: int) -> list[UUID]:
        """Which of these, at most so many, are no companies that the organisation may see."""
        values = {"org_id": self.org_id, "ids": list(company_ids), "most": most}
        return [row["id"] for row in await self.db.fetch_all(UNKNOWN_COMPANIES, values)]

    async def memories(self, company_ids: Sequence[UUID]) -> dict[UUID, dict[str, Memory]]:
        """What each watcher remembers of each company; nothing where it has not looked yet."""
        values = {"org_id": self.org_id, "ids": list(company_ids)}
        found: dict[UUID, dict[str, Memory]] = {one: {} for one in company_ids}
        for row in await self.db.fetch_all(MEMORIES, values):
            found[row["company_id"]][row["watcher"]] = Memory(
                row["state"], row["misses"], row["looked_at"], frozenset(row["known"])
            )
        return found

    async def save(
        self, company_id: UUID, looks: Looks, *, threshold: float, now: datetime
    ) -> SavedLooks:
        """Writes what looks at a company came to, in one transaction of its own.

        A signal counts from a confidence of `threshold` (0 to 1) on. A failed look changes nothing
        but when it was; None is one that says nothing about such a company. Doing it again changes
        nothing. Raises NotFoundError when the company is gone, and InvalidInputError, with nothing
        written, for a look that the tables cannot hold.
        """
        try:
            async with self.db.transaction() as tx:
                company = (await self._lock(tx, [company_id])).get(company_id)
                if company is None:
                    raise NotFoundError(f"there is no company {company_id} any more")
                return await self._save(tx, company, looks, least_confidence(threshold), now)
        except (*BAD_CONTENT, TypeError, ValueError) as error:
            why = str(error).partition("\n")[0]
            raise InvalidInputError(f"a look at {company_id} cannot be kept: {why}") from error

    async def add(
        self,
        found: Mapping[UUID, Sequence[Sighting]],
        *,
        threshold: float,
        now: datetime,
        tx: Connection,
    ) -> list[NewSignal]:
        """Writes what was seen of companies in passing; which signals count from now on.

        Companies that are gone are left out. Doing it again changes nothing.
        """
        new: list[NewSignal] = []
        for asked, company in (await self._lock(tx, list(found))).items():
            _, made = await self._see(
                tx, company, found[asked], (), least_confidence(threshold), now
            )
            new += made
        return new

    async def expire(self, now: datetime) -> int:
        """Ends signals whose time is over; how many."""
        expired = 0
        while count := await self.db.execute(EXPIRE, {"org_id": self.org_id, "now": now}):
            expired += count
        return expired

    async def of_task(self) -> list[NewSignal]:
        """The signals that came to count by the task, also by attempts that died of it."""
        return [NewSignal(**row) for row in await self.db.fetch_all(OF_TASK, self._origin)]

    async def of(self, company_ids: Sequence[UUID]) -> dict[UUID, list[Signal]]:
        """The signals that count now, the newest first; nothing for a company without any."""
        values = {"org_id": self.org_id, "ids": list(company_ids)}
        found: dict[UUID, list[Signal]] = {}
        for row in await self.db.fetch_all(OF, values):
            found.setdefault(row["company_id"], []).append(signal_from_row(row["signal"]))
        return found

    async def _lock(self, tx: Connection, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
        """The companies to write to, by the ids that were asked for; none for one that is gone."""
        values = {"org_id": self.org_id, "ids": list(ids)}
        while True:
            rows = await (await tx.execute(LOCK_COMPANIES, values)).fetchall()
            if all(row["merged_into"] is None for row in rows):
                break  # else it was merged while we waited for it
        return {row["asked"]: row for row in rows}

    async def _save(
        self, tx: Connection, company: Mapping[str, Any], looks: Looks, least: int, now: datetime
    ) -> SavedLooks:
        where = {"org_id": self.org_id, "company_id": company["id"]}
        seen = {name: look for name, look in looks.items() if isinstance(look, Look)}
        watches = [watch_row(name, look) for name, look in looks.items()]
        cursor = await tx.execute(SAVE_WATCHES, {**where, "watches": dumps(clean(watches))})
        gone = {row["watcher"] for row in await cursor.fetchall() if row["misses"] >= MOST_MISSES}
        postings = [(name, one) for name, look in seen.items() for one in look.postings or ()]
        if postings:
            rows = [posting_row(name, one) for name, one in postings]
            await tx.execute(SAVE_POSTINGS, {**where, "postings": dumps(clean(rows))})
        sightings = [one for look in seen.values() for one in look.sightings]
        open_keys = [posting.key for _, posting in postings]
        touched, new = await self._see(tx, company, sightings, open_keys, least, now)
        closing = [
            name
            for name, look in seen.items()
            if (look.found and look.postings is not None) or (not look.found and name in gone)
        ]
        closed = await self._close(tx, where, closing, [one for _, one in postings])
        return SavedLooks(
            new,
            sum(not one.is_new and one.status in ("active", "acted_upon") for one in touched),
            sum(one.status == "unconfirmed" for one in touched),
            closed,
        )

    async def _see(
        self,
        tx: Connection,
        company: Mapping[str, Any],
        sightings: Sequence[Sighting],
        open_keys: Sequence[str],
        least: int,
        now: datetime,
    ) -> tuple[list[Record], tuple[NewSignal, ...]]:
        """The signals that are seen now, and those of them that count from now on."""
        where = {"org_id": self.org_id, "company_id": company["id"]}
        sightings = await without_forgotten(tx, company["id"], sightings)
        since = earliest(sightings, now)
        records = await self._records(tx, where, sightings, open_keys, since)
        touched = merge(records, sightings, open_keys, least=least, now=now)
        return touched, await self._write(tx, company, touched)

    async def _records(
        self,
        tx: Connection,
        where: Mapping[str, Any],
        sightings: Sequence[Sighting],
        open_keys: Sequence[str],
        since: datetime | None,
    ) -> list[Record]:
        """The signals on record that the sightings and jobs may be of."""
        if not sightings and not open_keys:
            return []
        keys = {*open_keys, *(short_key(one.key) for one in sightings)}
        values = {**where, "keys": list(keys), "since": since}
        return [record_of(row) for row in await (await tx.execute(ON_RECORD, values)).fetchall()]

    async def _write(
        self, tx: Connection, company: Mapping[str, Any], records: Sequence[Record]
    ) -> tuple[NewSignal, ...]:
        """Writes signals, and an insight for each that is new."""
        if not records:
            return ()
        rows = [signal_row(place, record) for place, record in enumerate(records)]
        values = {**self._origin, "company_id": company["id"], "signals": dumps(clean(rows))}
        ids = [row["id"] for row in await (await tx.execute(SAVE, values)).fetchall()]
        new = tuple(
            new_signal(signal_id, company, record)
            for signal_id, record in zip(ids, records, strict=True)
            if record.is_new
        )
        if new:
            told = {"stream_id": self.stream_id, "signals": [one.id for one in new]}
            await tx.execute(ADD_INSIGHTS, {**self._origin, **told})
        return new

    async def _close(
        self, tx: Connection, where: Mapping[str, Any], watchers: list[str], seen: list[Posting]
    ) -> int:
        if not watchers:
            return 0
        open_keys = [one.key for one in seen]
        boards = list({f"{one.service}:{one.board}" for one in seen})
        values = {**where, "watchers": watchers, "open_keys": open_keys, "boards": boards}
        row = await (await tx.execute(CLOSE_POSTINGS, values)).fetchone()
        return int(row["closed"]) if row else 0
