"""Imports a source: rows in batches through a staging table into companies and facts.

Each batch is a transaction of its own and may be repeated: an import that ends half-way has
imported half, and a second run of it changes only what is missing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import psycopg
from psycopg import errors
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from oppspot_runner.base.errors import DatabaseError, NotFoundError
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.imports.seen import SeenKeys
from oppspot_runner.imports.source import Reading, Source
from oppspot_runner.imports.staging import COPY_ROWS, StagedRow, encode
from oppspot_runner.imports.tally import ImportReport, Tally
from oppspot_runner.streams.resolution import merge_same, same

CLOCK = statement("tasks/clock")
STAGE = statement("imports/stage")
LOCK = statement("imports/lock")
MERGE = statement("imports/merge")

BATCH_ROWS = 5_000
ATTEMPTS = 5
# Other writers of companies may meet a batch; it is rolled back and done again.
COLLISIONS = (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation)


@dataclass(frozen=True)
class ImportProgress:
    """How far an import has come. `total` is None when it cannot be known."""

    done: int
    total: int | None
    unit: Literal["bytes", "rows"]
    rows: int


@dataclass
class _Counts:
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    merged: int = 0
    facts: int = 0


@dataclass(frozen=True)
class _Batch:
    rows: list[StagedRow]
    lines: list[int]
    done: int


async def run_import(
    database: Database,
    source: Source,
    *,
    org_id: UUID | None = None,
    with_facts: bool = True,
    dry_run: bool = False,
    on_progress: Callable[[ImportProgress], None] | None = None,
    batch_rows: int = BATCH_ROWS,
) -> ImportReport:
    """Brings `source` into companies of `org_id`, or of nobody; what is there is updated.

    What it adds and another source knows by the same domain, or the same name and country, is
    merged then. With `with_facts` each value is also recorded with its source. `dry_run` does
    everything but that merging and takes it back, batch by batch. `on_progress` is called after
    each batch. Raises InvalidInputError or ConfigurationError when the source cannot be used,
    NotFoundError when there is no such organisation, DatabaseError when the database fails.
    """
    started = time.monotonic()
    since = await database.fetch_one(CLOCK)
    tally, counts = Tally(), _Counts()
    merge = _Merge(database, source, org_id, with_facts, dry_run, tally, counts)
    with source.open(tally) as reading:
        await _each_batch(reading, source, tally, batch_rows, merge, on_progress)
    if counts.inserted and since and not dry_run:
        counts.merged = await _merge_same(database, source, since["now"], org_id)
    seconds = time.monotonic() - started
    return ImportReport(
        source=source.name,
        read=tally.read,
        **asdict(counts),
        skipped=dict(tally.skipped),
        repaired=dict(tally.repaired),
        examples=list(tally.examples),
        dry_run=dry_run,
        seconds=round(seconds, 3),
        rows_per_s=round(tally.read / seconds) if seconds else 0,
    )


async def _merge_same(
    database: Database, source: Source, since: datetime, org_id: UUID | None
) -> int:
    pairs = await same(database, source=source.name, since=since, org_id=org_id)
    return await merge_same(database, pairs, merged_by=source.name)


async def _each_batch(
    reading: Reading,
    source: Source,
    tally: Tally,
    batch_rows: int,
    merge: _Merge,
    on_progress: Callable[[ImportProgress], None] | None,
) -> None:
    """Reads the next batch in a thread while the database merges the one before."""
    batches = _batches(reading, tally, batch_rows, keys_unique=source.keys_unique)
    batch = await asyncio.to_thread(next, batches, None)
    while batch is not None:
        # Both are waited for, so that no thread still reads when the source is closed.
        following, merged = await asyncio.gather(
            asyncio.to_thread(next, batches, None), merge(batch), return_exceptions=True
        )
        if isinstance(merged, BaseException):
            raise merged
        if isinstance(following, BaseException):
            raise following
        if on_progress:
            on_progress(ImportProgress(batch.done, reading.total, reading.unit, tally.read))
        batch = following


def _batches(reading: Reading, tally: Tally, size: int, *, keys_unique: bool) -> Iterator[_Batch]:
    seen = SeenKeys()
    rows: list[StagedRow] = []
    lines: list[int] = []
    for line, row in reading.rows:
        if not _is_new(row, seen):
            tally.skip("the same company again", line, f"{row['source_id']} {row['name']}")
            continue
        rows.append(row)
        lines.append(line)
        if len(rows) >= size:
            yield _Batch(rows, lines, reading.done())
            rows, lines = [], []
            seen = SeenKeys() if keys_unique else seen
    yield _Batch(rows, lines, reading.done())


def _is_new(row: StagedRow, seen: SeenKeys) -> bool:
    """Whether neither the id nor the register number came before."""
    number = row.get("company_number")
    return seen.add(f"id {row['source_id']}") and (not number or seen.add(f"number {number}"))


@dataclass(frozen=True)
class _Merge:
    """Merges batches into the database and adds up what that did."""

    database: Database
    source: Source
    org_id: UUID | None
    with_facts: bool
    dry_run: bool
    tally: Tally
    counts: _Counts

    async def __call__(self, batch: _Batch) -> None:
        if not batch.rows:
            return
        data = await asyncio.to_thread(encode, batch.rows)
        try:
            result: dict[str, object] = await AsyncRetrying(
                stop=stop_after_attempt(ATTEMPTS),
                wait=wait_random_exponential(multiplier=0.1, max=2),
                retry=retry_if_exception_type(COLLISIONS),
                reraise=True,
            )(self._transaction, data)
        except errors.ForeignKeyViolation as error:
            raise NotFoundError(f"there is no organisation {self.org_id}") from error
        except psycopg.Error as error:
            first, last = batch.lines[0], batch.lines[-1]
            raise DatabaseError(
                f"rows {first} to {last} could not be imported: {str(error).splitlines()[0]}",
                hint="What came before is imported; repeat the import when this is solved.",
            ) from error
        self._add(batch, result)

    async def _transaction(self, data: bytes) -> dict[str, object]:
        params = {
            "org_id": self.org_id,
            "source": self.source.name,
            "confidence": self.source.confidence,
            "with_facts": self.with_facts,
        }
        async with (
            self.database.connection() as connection,
            connection.transaction(force_rollback=self.dry_run),
        ):
            await connection.execute(STAGE)
            async with connection.cursor() as cursor, cursor.copy(COPY_ROWS) as copy:
                await copy.write(data)
            await connection.execute(LOCK, params)
            row = await (await connection.execute(MERGE, params)).fetchone()
        assert row is not None
        return row

    def _add(self, batch: _Batch, result: dict[str, object]) -> None:
        inserted, updated, facts = (
            int(str(result[key])) for key in ("inserted", "updated", "facts")
        )
        clashes = result["clashes"]
        assert isinstance(clashes, list)
        for text in clashes:
            self.tally.skip("its id belongs to another company", 0, text)
        self.counts.inserted += inserted
        self.counts.updated += updated
        self.counts.facts += facts
        self.counts.unchanged += len(batch.rows) - inserted - updated - len(clashes)
