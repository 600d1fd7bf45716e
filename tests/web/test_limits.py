"""However many processes ask: in no window are there more calls than the source allows."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from oppspot_runner.connectors.sources import COMPANIES_HOUSE_RATE, SOURCES
from oppspot_runner.db.pool import Database
from tests.connectors.http.internet import Site, Writer, answer
from tests.web.caller import FASTER

PROCESSES = 3
ALLOWED, WINDOW_S = 600, 300.0  # what the register lets a key do
# The rows of calls go when their window is over: this keeps them.
KEEP = """
    CREATE TABLE every_start (key text, at timestamptz);
    CREATE FUNCTION keep_start() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO every_start VALUES (NEW.key, NEW.at); RETURN NULL; END $$;
    CREATE TRIGGER keep AFTER INSERT ON tool_call_starts
    FOR EACH ROW EXECUTE FUNCTION keep_start();
"""


def most_within(times: Sequence[float], window_s: float) -> int:
    """The most of sorted `times` in any window of that length, which does not hold its end."""
    most, first = 0, 0
    for last, now in enumerate(times):
        while times[first] <= now - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_no_window_has_more_calls_than_the_source_allows(
    db: Database, dsn: str, site: Site
) -> None:
    """Two sources that share a key; tests/slow/test_call_limits.py goes on for longer."""
    await check(900, ["companies_house", "companies_house_documents"], db, dsn, site)


async def check(calls: int, sources: list[str], db: Database, dsn: str, site: Site) -> None:
    arrived: list[float] = []

    async def arrive(writer: Writer) -> None:
        arrived.append(time.monotonic())
        writer.write(answer(200, b"{}"))

    site.answers["/ch/company/1"] = site.answers["/ch-doc/company/1"] = arrive
    await db.execute(KEEP)
    each = [calls // PROCESSES + (place < calls % PROCESSES) for place in range(PROCESSES)]
    programs = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.web.caller", dsn, str(share), *sources),
            cwd=Path(__file__).parents[2],
            env=dict(os.environ),
            stderr=asyncio.subprocess.PIPE,
        )
        for share in each
    ]
    for program in programs:
        _, errors = await program.communicate()
        assert program.returncode == 0, errors.decode()
    assert len(arrived) == calls
    assert most_within(sorted(arrived), WINDOW_S / FASTER) <= ALLOWED
    rows = await db.fetch_all(
        "SELECT key, extract(epoch FROM at)::float8 AS at FROM every_start ORDER BY at"
    )
    assert len({row["key"] for row in rows}) == 1
    assert len(rows) == calls
    taken = [row["at"] - rows[0]["at"] for row in rows]
    most, window_s = COMPANIES_HOUSE_RATE.max_calls, COMPANIES_HOUSE_RATE.window_s / FASTER
    assert most_within(taken, window_s - 1e-6) <= most  # the times have microseconds
    assert max(arrived) - min(arrived) > (calls / most - 1) * window_s * 0.9


@pytest.mark.parametrize(
    ("source", "allowed", "window_s"),
    [
        ("companies_house", 600, 300),
        ("companies_house_documents", 600, 300),
        ("reddit", 100, 60),
        ("hacker_news_search", 10_000, 3_600),
    ],
)
def test_the_limits_are_within_what_the_sources_allow(
    source: str, allowed: int, window_s: float
) -> None:
    rate = SOURCES[source].rate
    whole = int(window_s // rate.window_s)
    assert (whole + 1) * rate.max_calls <= allowed
