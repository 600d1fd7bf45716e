"""How fast a register of companies is imported, beside a bare COPY of the same file."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks import product, register
from benchmarks.bench import Bench
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.programs import output_of
from benchmarks.rounds import alternate, compare

RATE = "rows/s"
OURS, SILENT, BARE = "import", "import without facts", "bare COPY"
BLOCK = 1 << 20


def run(bench: Bench) -> Outcome:
    """The command, with and without facts, and again over what it did; then a COPY."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "register.csv")
        register.write(path, bench.sizes.register)
        turns = {
            OURS: partial(_import_twice, bench, path),
            SILENT: partial(_import_silently, bench, path),
            BARE: partial(_copy, bench, path),
        }
        outcome = alternate(bench.rounds, turns)
    compare(outcome, "import / bare COPY", f"{OURS}: {RATE}", f"{BARE}: {RATE}")
    return outcome


def _import_twice(bench: Bench, path: Path) -> Figures:
    with product.database(bench.server) as dsn:
        return {RATE: _rate(dsn, path), f"{RATE}, once more": _rate(dsn, path)}


def _import_silently(bench: Bench, path: Path) -> Figures:
    with product.database(bench.server) as dsn:
        return {RATE: _rate(dsn, path, "--no-facts")}


def _rate(dsn: str, path: Path, *flags: str) -> float:
    command = [sys.executable, "-m", "oppspot_runner", "import", "companies-house", str(path)]
    env = product.environment(dsn)
    report = json.loads(output_of([*command, "--json", *flags], env=env, folder=product.ROOT))
    return float(report["rows_per_s"])


def _copy(bench: Bench, path: Path) -> Figures:
    """The file as it is into a table of texts without an index."""
    names = [sql.Identifier(column.strip()) for column in register.COLUMNS]
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(name) for name in names)
    with product.database(bench.server) as dsn, psycopg.connect(dsn) as connection:
        connection.execute(sql.SQL("CREATE TABLE bare ({})").format(columns))
        began = time.monotonic()
        copying = connection.cursor().copy("COPY bare FROM STDIN (FORMAT csv, HEADER)")
        with path.open("rb") as file, copying as copy:
            while block := file.read(BLOCK):
                copy.write(block)
        connection.commit()
        return {RATE: bench.sizes.register / (time.monotonic() - began)}


MEASURE = Measure(
    "import-register",
    "a register of companies in the form of BasicCompanyData, and a COPY of the same file",
    run,
    (Bound("import / bare COPY", at_least=0.05),),
)
