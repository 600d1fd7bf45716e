"""A CSV file of 100,000 rows: flat memory, and its speed beside a bare COPY of the same file.

Run it by name: `pytest tests/imports/slow -s`.
"""

from __future__ import annotations

import csv
import random
import time
from pathlib import Path

import psycopg
import pytest

from oppspot_runner.db.pool import Database
from oppspot_runner.imports import CsvFile, ImportProgress, run_import

ROWS = 100_000
MOST_GROWTH_MB = 60  # two batches of rows, their COPY text, and what the allocator keeps
LABELS = ["saas", "fintech", "payments", "ai", "marketplace", "biotech", "education", "logistics"]
PLACES = ["London, United Kingdom", "Dublin, Ireland", "Berlin, Germany", "Austin, TX", ""]
COLUMNS = ["company_id", "company_name", "long_description", "status", "tags", "location"]
COLUMNS += ["year_founded", "team_size", "website", "linkedin_url"]


@pytest.fixture
def large_file(tmp_path: Path) -> Path:
    """100,000 made-up companies, about 60 MB."""
    draw = random.Random(7)
    path = tmp_path / "large.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(ROWS):
            slug = f"company-{number}"
            writer.writerow(
                [
                    number,
                    f"Company {number} Ltd",
                    f"What company {number} does. " * draw.randint(5, 30),
                    draw.choice(["Active", "Inactive", "Acquired"]),
                    str(draw.sample(LABELS, 3)),
                    draw.choice(PLACES),
                    f"{draw.randint(1990, 2024)}.0",
                    f"{draw.randint(0, 900)}.0",
                    f"https://www.{slug}.com/",
                    f"https://www.linkedin.com/company/{slug}",
                ]
            )
    return path


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096 / 1e6


def bare_copy_s(dsn: str, path: Path) -> float:
    with psycopg.connect(dsn) as connection:
        connection.execute(f"CREATE TABLE bare ({', '.join(f'{name} text' for name in COLUMNS)})")
        started = time.monotonic()
        with (
            connection.cursor().copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as copy,
            path.open("rb") as file,
        ):
            while block := file.read(1 << 20):
                copy.write(block)
        connection.commit()
        return time.monotonic() - started


@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")
@pytest.mark.parametrize("with_facts", [True, False])
async def test_memory_stays_flat(
    db: Database, dsn: str, large_file: Path, with_facts: bool
) -> None:
    memory: list[float] = []

    def watch(_: ImportProgress) -> None:
        memory.append(memory_mb())

    report = await run_import(
        db, CsvFile(str(large_file)), with_facts=with_facts, on_progress=watch
    )
    bare_s = bare_copy_s(dsn, large_file)
    print(
        f"\nfacts {report.facts:,}: {report.seconds:.1f} s, {report.rows_per_s:,} rows/s; bare COPY"
        f" {bare_s:.2f} s, {ROWS / bare_s:,.0f} rows/s; memory {memory[0]:.0f} MB after the first"
        f" batch, at most {max(memory):.0f}, {memory[-1]:.0f} at the end"
    )
    assert report.inserted == ROWS
    assert len(memory) >= ROWS / 5_000
    assert max(memory) - memory[0] < MOST_GROWTH_MB
