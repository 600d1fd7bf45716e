"""The free BasicCompanyData file of the register of UK companies.

Live companies only, 55 columns, every field quoted, header names with leading blanks, days as
DD/MM/YYYY, SIC texts such as "62012 - Business and domestic software development".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.companies.places import subdivision
from oppspot_runner.companies.sic import first_under, sic_code
from oppspot_runner.companies.statuses import normalise_status
from oppspot_runner.imports.cells import british_date, company_number
from oppspot_runner.imports.company_cells import staged_row
from oppspot_runner.imports.opening import open_text
from oppspot_runner.imports.reading import Table, open_table, records, shown_columns
from oppspot_runner.imports.source import REGISTER_CONFIDENCE, Reading
from oppspot_runner.imports.staging import StagedRow, array
from oppspot_runner.imports.tally import Tally

NAME, NUMBER, STATUS = "CompanyName", "CompanyNumber", "CompanyStatus"
TOWN, COUNTY, COUNTRY = "RegAddress.PostTown", "RegAddress.County", "RegAddress.Country"
ORIGIN, INCORPORATED, URI = "CountryOfOrigin", "IncorporationDate", "URI"
SIC_TEXTS = tuple(f"SICCode.SicText_{number}" for number in range(1, 5))
SMALL_WORDS = frozenset({"at", "by", "in", "le", "on", "the", "under", "upon"})
NO_SIC = frozenset({"", "None Supplied"})
WORD = re.compile(r"[^\s-]+")
DIGITS = re.compile(r"\d{1,5}")


@dataclass(frozen=True)
class CompaniesHouse:
    """The file, plain or as the ZIP that is offered, or standard input as "-".

    `sic`: only companies with a code that begins with one of these. `statuses`: only companies
    with one of these, such as "Active".
    """

    path: str
    sic: Sequence[str] = ()
    statuses: Sequence[str] = field(default=())
    name: str = "companies_house_bulk"
    confidence: float = REGISTER_CONFIDENCE
    keys_unique: bool = True

    def __post_init__(self) -> None:
        for code in self.sic:
            if not DIGITS.fullmatch(code):
                raise InvalidInputError(
                    f"--sic {code!r} is not the beginning of a SIC code",
                    hint="Codes have five digits; 62 stands for all codes that begin with 62.",
                )

    @contextmanager
    def open(self, tally: Tally) -> Iterator[Reading]:
        """Reads the header. Raises InvalidInputError when it is another file."""
        with open_text(self.path) as opened:
            table = open_table(opened, tally)
            for column in (NAME, NUMBER):
                if column not in table.columns:
                    raise InvalidInputError(
                        f"{table.name} is not BasicCompanyData: it has no column {column}; "
                        f"it has: {shown_columns(table.columns)}",
                        hint="For other tables use `import csv`.",
                    )
            yield Reading(self._rows(table, tally), opened.total_bytes, "bytes", opened.done_bytes)

    def _rows(self, table: Table, tally: Tally) -> Iterator[tuple[int, StagedRow]]:
        wanted = {normalise_status(status) for status in self.statuses}
        read = _Reader(table, tally)
        for line, cells in records(table, tally):
            if wanted and normalise_status(read.cell(cells, STATUS)) not in wanted:
                tally.leave_out("another status than asked for")
                continue
            codes = read.sic_codes(cells)
            if self.sic and not first_under(codes, self.sic):
                tally.leave_out("another SIC code than asked for")
                continue
            row = read.row(cells, line, codes)
            if row is not None:
                yield line, row


class _Reader:
    """Finds the cells of one file by the names of its columns."""

    def __init__(self, table: Table, tally: Tally) -> None:
        self._places = {column: place for place, column in enumerate(table.columns)}
        self._tally = tally

    def cell(self, cells: list[str], column: str) -> str:
        place = self._places.get(column)
        return cells[place] if place is not None else ""

    def sic_codes(self, cells: list[str]) -> list[str]:
        """The codes of a record, each once, in order."""
        codes: dict[str, None] = {}
        for column in SIC_TEXTS:
            text = self.cell(cells, column)
            if text not in NO_SIC:
                if code := sic_code(text):
                    codes[code] = None
                else:
                    self._tally.repair("SIC code not understood")
        return list(codes)

    def row(self, cells: list[str], line: int, codes: list[str]) -> StagedRow | None:
        number = company_number(self.cell(cells, NUMBER), "GB")
        if number is None:
            self._tally.skip("no company number", line, self.cell(cells, NAME))
            return None
        country = self.cell(cells, COUNTRY) or self.cell(cells, ORIGIN)
        nation = subdivision("GB", self.cell(cells, COUNTRY)) if country else None
        raw = {
            "name": self.cell(cells, NAME),
            "company_number": number,
            "source_id": number,
            "status": self.cell(cells, STATUS),
            "country": country,
            "region": nation.names[0] if nation else capitalised(self.cell(cells, COUNTY)),
            "town": capitalised(self.cell(cells, TOWN)),
        }
        filled = {name: text for name, text in raw.items() if text}
        row = staged_row(filled, {}, self._tally, line)
        if row is None:
            return None
        self._add(row, cells, codes)
        return row

    def _add(self, row: StagedRow, cells: list[str], codes: list[str]) -> None:
        if codes:
            row["sic_codes"] = array(codes)
        if day := self.cell(cells, INCORPORATED):
            found = british_date(day)
            if found:
                row["incorporated"] = found.isoformat()
            else:
                self._tally.repair("incorporated not understood")
        if uri := self.cell(cells, URI):
            row["source_url"] = uri


def capitalised(text: str) -> str:
    """`"STOKE-ON-TRENT"` as `"Stoke-on-Trent"`; text that has small letters stays."""
    if not text.isupper():
        return text

    def word(match: re.Match[str]) -> str:
        small = match[0].lower()
        return small if match.start() and small in SMALL_WORDS else small.capitalize()

    return WORD.sub(word, text)
