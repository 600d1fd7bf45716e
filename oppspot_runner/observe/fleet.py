"""Gauges of the whole installation, read from the database when somebody asks for metrics.

A database that is slow makes nobody wait: what takes too long is left out, and goes on alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from psycopg.rows import DictRow

from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import DATABASE_AWAY, DATABASE_ERROR, Database
from oppspot_runner.observe import catalog
from oppspot_runner.observe.catalog import Metric
from oppspot_runner.observe.counting import Sample

LIMIT_TIME = statement("metrics/limit_time")
READ = statement("metrics/read")

LIMIT_S = 2.0
KEPT_S = 5.0
SHARE = 20  # a reading is also kept for so many times what it took: it costs 5 % at most
BY_NAME: dict[str, Metric] = {one.name: one for one in catalog.CATALOG if one.source == "database"}


@dataclass(frozen=True)
class _Reading:
    """What the database said, at `at` of the monotonic clock."""

    rows: list[DictRow]
    at: float
    took_s: float

    @property
    def is_fresh(self) -> bool:
        return time.monotonic() - self.at < max(KEPT_S, SHARE * self.took_s)


class FleetGauges:
    """Reads them at most once in a while, and one reading at a time."""

    def __init__(self, database: Database, *, limit_s: float = LIMIT_S) -> None:
        self.database = database
        self.limit_s = limit_s
        self._last: _Reading | None = None
        self._reading: asyncio.Task[None] | None = None

    async def samples(self) -> Iterator[Sample]:
        """The numbers, a few seconds old at most; only that they are missing when it took longer
        than the limit."""
        if not self._is_fresh():
            await self._read_for_a_while()
        return self._samples()

    def _is_fresh(self) -> bool:
        return self._last is not None and self._last.is_fresh

    async def _read_for_a_while(self) -> None:
        """One that takes longer is not cancelled: its end may take as long, and the next scrape
        finds it still on."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().create_task(self._read())
        await asyncio.wait({self._reading}, timeout=self.limit_s)

    async def _read(self) -> None:
        began = time.monotonic()
        try:
            async with self.database.transaction() as connection:
                await connection.execute(LIMIT_TIME, {"limit_ms": int(self.limit_s * 1000)})
                rows = await (await connection.execute(READ)).fetchall()
        except (*DATABASE_AWAY, DATABASE_ERROR):
            return
        now = time.monotonic()
        self._last = _Reading(rows, now, now - began)

    def _samples(self) -> Iterator[Sample]:
        fresh = self._is_fresh()
        yield catalog.SCRAPE_OK, (), float(fresh)
        if self._last is None or not fresh:
            return
        yield catalog.SCRAPE_DURATION, (), self._last.took_s
        for row in self._last.rows:
            yield BY_NAME[row["metric"]], tuple(row["labels"]), float(row["value"])
