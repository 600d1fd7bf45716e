"""Small files to import, and short ways to import them."""

from __future__ import annotations

import csv
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.db.pool import Database
from oppspot_runner.imports import CsvFile, ImportReport, run_import
from oppspot_runner.imports.source import Source
from oppspot_runner.imports.staging import StagedRow
from oppspot_runner.imports.tally import Tally

WriteCsv = Callable[..., Path]
Import = Callable[..., Awaitable[ImportReport]]


@pytest.fixture
def write_csv(tmp_path: Path) -> WriteCsv:
    """Writes rows of cells, the header first, as a CSV file; returns its path."""

    def write(*rows: Sequence[str], name: str = "companies.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        return path

    return write


@pytest.fixture
def import_rows(db: Database, write_csv: WriteCsv) -> Import:
    """Imports rows of cells, the header first, as a CSV file into the test's database."""

    async def run(*rows: Sequence[str], label: str = "csv", **options: Any) -> ImportReport:
        report = await run_import(db, CsvFile(str(write_csv(*rows)), label=label), **options)
        kept = report.inserted + report.updated + report.unchanged
        assert report.read == kept + sum(report.skipped.values())
        return report

    return run


@pytest.fixture
async def organisation(db: Database) -> UUID:
    """An organisation."""
    row = await db.fetch_one("INSERT INTO organizations DEFAULT VALUES RETURNING id")
    assert row is not None
    found = row["id"]
    assert isinstance(found, UUID)
    return found


def read(source: Source) -> tuple[list[StagedRow], Tally]:
    """The rows of a source as they would be copied, without any database."""
    tally = Tally()
    with source.open(tally) as reading:
        return [row for _, row in reading.rows], tally
