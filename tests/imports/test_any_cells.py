"""Whatever the cells hold, an import goes on to its end and a second one changes nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from oppspot_runner.db.pool import Database
from oppspot_runner.imports import CsvFile, run_import
from oppspot_runner.imports.mapping import USUAL_NAMES
from tests.imports.conftest import WriteCsv

ODD = [
    *("", "0", "12", "1,234", "10-50", "c. 5", "-1", "nan", "1e400", "9" * 400, "٣٤"),
    *("https://", "https://x.com", "http://a.b-c.co.uk/é", "a@b.co", "2015-02-30", "2015-03-04"),
    *("['a','b']", "[1,2,{}]", "(1,", "lambda: 0", "a,b;c|d", "62012 - x", "GB", "London, UK"),
    *("\\N", "\\", "{", "}", '"', "'", "\x00", "\x1f", "\r", "\n", "\ud7ff", "\u202e"),
    *("ﷺ" * 60, "🎉" * 50, "Ｇ", "ꭰ", "İ", "ß"),
]


def cell(draw: random.Random) -> str:
    if draw.random() < 0.8:
        return "".join(draw.choices(ODD, k=draw.randint(1, 2)))
    return "".join(chr(draw.randint(1, 0xD7FF)) for _ in range(draw.randint(0, 40)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_no_cell_ends_an_import(db: Database, write_csv: WriteCsv, seed: int) -> None:
    draw = random.Random(seed)
    rows = [[cell(draw) for _ in USUAL_NAMES] for _ in range(700)]
    path: Path = write_csv(list(USUAL_NAMES), *rows)
    data = bytearray(path.read_bytes())
    start = data.index(b"\n") + 1
    for _ in range(60):
        data[draw.randrange(start, len(data))] = draw.randrange(256)
    path.write_bytes(data)

    first = await run_import(db, CsvFile(str(path)), batch_rows=200)
    second = await run_import(db, CsvFile(str(path)), batch_rows=200)
    assert first.inserted > 100
    assert first.read == first.inserted + first.updated + first.unchanged + sum(
        first.skipped.values()
    )
    assert second.skipped == first.skipped
    assert (second.inserted, second.updated, second.facts) == (0, 0, 0)
