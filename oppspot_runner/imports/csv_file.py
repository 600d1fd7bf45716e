"""Companies from any CSV file with a header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.imports.company_cells import LISTS, staged_row
from oppspot_runner.imports.mapping import map_columns
from oppspot_runner.imports.opening import open_text
from oppspot_runner.imports.reading import Table, open_table, records
from oppspot_runner.imports.source import CSV_CONFIDENCE, Reading
from oppspot_runner.imports.staging import StagedRow
from oppspot_runner.imports.tally import Tally

MOST_LABEL = 100  # characters of the name of a source


@dataclass(frozen=True)
class CsvFile:
    """A CSV file, plain or in a ZIP, or standard input as "-".

    `columns` says which column fills a field where the usual names do not; `label` keeps files
    apart whose ids have nothing to do with each other.
    """

    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    label: str = "csv"
    encoding: str | None = None
    confidence: float = CSV_CONFIDENCE
    keys_unique: bool = False

    def __post_init__(self) -> None:
        if not self.label.strip() or len(self.label) > MOST_LABEL:
            raise InvalidInputError(f"the name of a source has 1 to {MOST_LABEL} characters")

    @property
    def name(self) -> str:
        return f"import:{self.label}"

    @contextmanager
    def open(self, tally: Tally) -> Iterator[Reading]:
        """Reads the header and finds the columns. Raises InvalidInputError."""
        with open_text(self.path, encoding=self.encoding) as opened:
            table = open_table(opened, tally)
            positions = map_columns(table, self.columns)
            rows = _rows(table, positions, tally)
            yield Reading(rows, opened.total_bytes, "bytes", opened.done_bytes)


def _rows(
    table: Table, positions: Mapping[str, list[int]], tally: Tally
) -> Iterator[tuple[int, StagedRow]]:
    singles = [(name, places) for name, places in positions.items() if name not in LISTS]
    several = [(name, places) for name, places in positions.items() if name in LISTS]
    for line, cells in records(table, tally):
        raw: dict[str, str] = {}
        for name, places in singles:
            for place in places:
                if cells[place]:
                    raw[name] = cells[place]
                    break
        lists = {name: [cells[place] for place in places] for name, places in several}
        row = staged_row(raw, lists, tally, line)
        if row is not None:
            yield line, row
