"""Reads the records of a CSV file and survives what is broken in it, in flat memory.

A broken record costs itself and nothing after it: a quote that is never closed does not swallow
the rest of the file. What the columns mean is not known here.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.imports.cells import without_controls
from oppspot_runner.imports.opening import OpenedText
from oppspot_runner.imports.tally import Tally

MOST_LINE = 1_000_000  # characters; no record of ours is that long
DELIMITERS = (",", ";", "\t", "|")
QUOTED = re.compile(r'"[^"]*"')
MOST_COLUMNS_SHOWN = 40


class Lines:
    """The lines of a text, with those of the record at hand, which can be given back."""

    def __init__(self, opened: OpenedText, tally: Tally) -> None:
        self._opened = opened
        self._tally = tally
        self._waiting: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0  # of the line read last

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._read()
        self.number += 1
        self.taken.append(line)
        return line

    def begin_record(self) -> None:
        """What was taken so far is settled."""
        self.taken.clear()

    def give_back(self) -> None:
        """All lines of the record but its first will be read again."""
        again = self.taken[1:]
        self._waiting.extendleft(reversed(again))
        self.number -= len(again)

    def _read(self) -> str:
        try:
            line = self._opened.text.readline(MOST_LINE)
            while len(line) == MOST_LINE and not line.endswith(("\n", "\r")):
                line = self._skip_rest(line)
        except (OSError, EOFError, zipfile.BadZipFile, UnicodeError) as error:
            raise InvalidInputError(
                f"{self._opened.name} cannot be read beyond line {self.number}: {error}",
                hint="What came before is imported; get the file again and repeat.",
            ) from None
        if not line:
            raise StopIteration
        return self._cleaned(line)

    def _skip_rest(self, start: str) -> str:
        self.number += 1
        self._tally.read += 1
        self._tally.skip("line too long", self.number, start)
        rest = start
        while rest and not rest.endswith(("\n", "\r")):
            rest = self._opened.text.readline(MOST_LINE)
        return self._opened.text.readline(MOST_LINE)

    def _cleaned(self, line: str) -> str:
        cleaned = without_controls(line)
        if cleaned != line:
            self._tally.repair("control characters removed")
        if "\ufffd" in line:
            self._tally.repair("bytes that are no text")
        return cleaned


@dataclass(frozen=True)
class Table:
    """A CSV file whose header is read: the names of its columns, and its records to come."""

    name: str
    columns: list[str]
    lines: Lines
    delimiter: str


def open_table(opened: OpenedText, tally: Tally) -> Table:
    """Reads the header. Raises InvalidInputError when there is none."""
    lines = Lines(opened, tally)
    for first in lines:
        if first.strip():
            break
    else:
        raise InvalidInputError(f"{opened.name} is empty")
    delimiter = max(DELIMITERS, key=QUOTED.sub("", first).count)
    try:
        columns = next(csv.reader([first], delimiter=delimiter))
    except csv.Error as error:
        raise InvalidInputError(f"{opened.name} is not a CSV file: {error}") from None
    return Table(opened.name, [column.strip() for column in columns], lines, delimiter)


def shown_columns(columns: list[str]) -> str:
    """The columns for a message, cut when there are many."""
    names = [column[:40] for column in columns[:MOST_COLUMNS_SHOWN]]
    more = len(columns) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def records(table: Table, tally: Tally) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each record that has the right number of columns.

    Counts every record in `tally.read`, and the broken ones in `tally.skipped`.
    """
    lines, width = table.lines, len(table.columns)
    reader = csv.reader(lines, delimiter=table.delimiter, strict=True)
    while True:
        lines.begin_record()
        try:
            cells: list[str] | None = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells = _leniently(table, error, tally)
        if cells is None or not cells:  # broken and counted, or an empty line
            continue
        tally.read += 1
        if len(cells) == width:
            yield lines.number, cells
        elif len(cells) > width and not any(cells[width:]):
            tally.repair("empty columns at the end")
            yield lines.number, cells[:width]
        else:
            _skip_width(table, len(cells), tally)


def _leniently(table: Table, error: csv.Error, tally: Tally) -> list[str] | None:
    """The cells of a record with quotes inside quotes, when it is a single line."""
    lines = table.lines
    if len(lines.taken) > 1:
        lines.give_back()
        tally.read += 1
        tally.skip("quote not closed", lines.number, lines.taken[0])
        return None
    try:
        cells = next(csv.reader(lines.taken, delimiter=table.delimiter))
    except (csv.Error, StopIteration):
        cells = []
    if len(cells) == len(table.columns):
        tally.repair("quotes inside quotes")
        return cells
    tally.read += 1
    reason = "field too long" if "limit" in str(error) else "quote not closed"
    tally.skip(reason, lines.number, lines.taken[0])
    return None


def _skip_width(table: Table, found: int, tally: Tally) -> None:
    lines = table.lines
    if len(lines.taken) > 1:  # a quote may have joined records: read what follows again
        lines.give_back()
    reason = "too few columns" if found < len(table.columns) else "too many columns"
    tally.skip(reason, lines.number, lines.taken[0])
