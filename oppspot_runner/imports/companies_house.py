"""The free BasicCompanyData file of the register of UK companies.

Live companies only, 55 columns, every field quoted, header names with leading blanks, days as
DD/MM/YYYY, SIC texts such as "62012 - Business and domestic software development".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.companies.places import capitalised, subdivision
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
ADDRESS = ("RegAddress.PostTown", "RegAddress.County", "RegAddress.Country")
SIC_TEXTS = tuple(f"SICCode.SicText_{number}" for number in range(1, 5))
# The cells that are read, in the order in which `_row` takes them.
COLUMNS = (
    NAME,
    NUMBER,
    STATUS,
    *ADDRESS,
    "CountryOfOrigin",
    "IncorporationDate",
    "URI",
    *SIC_TEXTS,
)
STATUS_AT = COLUMNS.index(STATUS)
NO_SIC = frozenset({"", "None Supplied"})
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
        pick = _picker(table.columns)
        for line, cells in records(table, tally):
            picked = pick([*cells, ""])
            if wanted and normalise_status(picked[STATUS_AT]) not in wanted:
                tally.leave_out("another status than asked for")
                continue
            codes = _sic_codes(picked[-len(SIC_TEXTS) :], tally)
            if self.sic and not first_under(codes, self.sic):
                tally.leave_out("another SIC code than asked for")
                continue
            row = _row(picked, codes, tally, line)
            if row is not None:
                yield line, row


def _picker(columns: list[str]) -> Callable[[list[str]], tuple[str, ...]]:
    """Takes the cells of COLUMNS; those that are absent from the empty cell behind a record."""
    places = {column: place for place, column in enumerate(columns)}
    return itemgetter(*(places.get(column, len(columns)) for column in COLUMNS))


def _sic_codes(texts: Sequence[str], tally: Tally) -> list[str]:
    """The codes of a record, each once, in order."""
    codes: dict[str, None] = {}
    for text in texts:
        if text not in NO_SIC:
            if code := sic_code(text):
                codes[code] = None
            else:
                tally.repair("SIC code not understood")
    return list(codes)


def _row(picked: tuple[str, ...], codes: list[str], tally: Tally, line: int) -> StagedRow | None:
    name, number_text, status, town, county, country, origin, day, uri, *_ = picked
    number = company_number(number_text, "GB")
    if number is None:
        tally.skip("no company number", line, name)
        return None
    nation = subdivision("GB", country) if country or origin else None
    raw = {
        "name": name,
        "source_id": number,
        "status": status,
        "country": country or origin,
        "region": nation.names[0] if nation else capitalised(county),
        "town": capitalised(town),
    }
    row = staged_row(raw, {}, tally, line)
    if row is None:
        return None
    row["company_number"] = number
    if codes:
        row["sic_codes"] = array(codes)
    if incorporated := british_date(day):
        row["incorporated"] = incorporated.isoformat()
    elif day:
        tally.repair("incorporated not understood")
    if uri:
        row["source_url"] = uri
    return row
