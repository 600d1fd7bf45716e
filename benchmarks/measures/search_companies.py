"""What a page of a search among many companies costs, by many different goals."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from uuid import uuid4

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.companies import fill, goals
from benchmarks.measure import Bound, Measure, Outcome
from oppspot_runner.companies.criteria import read_goal
from oppspot_runner.companies.scoring_criteria import Rubric
from oppspot_runner.companies.search import Search
from oppspot_runner.db.pool import Database
from oppspot_runner.streams.companies import CompanyStore

GOALS = 200
CANDIDATES = 1_000  # after which a search has enough
PAGES = 30  # of a search that finds little


def run(bench: Bench) -> Outcome:
    """Pages of each goal until it has its candidates."""
    with product.database(bench.server) as dsn:
        fill(dsn, bench.sizes.companies)
        pages = asyncio.run(pages_ms(dsn))
    ordered = sorted(pages)
    figures = {
        "pages": float(len(pages)),
        "p50 ms a page": ordered[len(pages) // 2],
        "p95 ms a page": ordered[len(pages) * 95 // 100],
    }
    return Outcome(figures, {"ms a page": pages})


async def pages_ms(dsn: str) -> list[float]:
    """The times of all pages of all goals, in milliseconds."""
    took: list[float] = []
    stream_id, now = uuid4(), datetime.now(UTC)
    async with Database(dsn) as db:
        store = CompanyStore(db, None)
        for goal in goals(GOALS):
            search = Search.of(Rubric.of(read_goal({"goal_criteria": goal}).criteria), now)
            found, after = 0, None
            for _ in range(PAGES):
                began = time.perf_counter()
                page = await store.find(search, stream_id=stream_id, after=after)
                took.append(1_000 * (time.perf_counter() - began))
                found, after = found + len(page.hits), page.cursor
                if after is None or found >= CANDIDATES:
                    break
    return took


MEASURE = Measure(
    "search-companies",
    "pages of a search for 200 different goals among many companies",
    run,
    (Bound("p95 ms a page", at_most=20),),
)
