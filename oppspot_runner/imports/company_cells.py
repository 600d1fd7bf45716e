"""Turns what is known about one company, as text by field, into a row for the staging table.

The same rules for every source. What cannot be understood is left out and counted, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256

from oppspot_runner.companies.countries import country_code
from oppspot_runner.companies.domains import registered_domain
from oppspot_runner.companies.headcount import parse_headcount
from oppspot_runner.companies.names import MOST_NAME, clean_name, normalise_name
from oppspot_runner.companies.places import Place, parse_place
from oppspot_runner.companies.statuses import normalise_status
from oppspot_runner.imports import cells
from oppspot_runner.imports.staging import StagedRow, array, json_object
from oppspot_runner.imports.tally import Tally

MOST_SOURCE_ID = 300
ZEROS = frozenset({"0", "0.0", "0.00"})

Raw = Mapping[str, str]  # text by field of mapping.USUAL_NAMES
Lists = Mapping[str, Sequence[str]]  # texts of the fields in LISTS, each of which may hold several


def staged_row(
    raw: Raw, lists: Lists, tally: Tally, line: int, *, american: bool = False
) -> StagedRow | None:
    """The row for one company; None, and counted, when it has no usable name.

    `line` is where it stood, for the report. `american`: an unclear place such as "Duluth,
    Georgia" is in the USA.
    """
    name = clean_name(raw.get("name", ""))
    if not name or len(name) > MOST_NAME:
        tally.skip("name too long" if name else "no name", line, " ".join(raw.values()))
        return None
    row: StagedRow = {"name": name, "name_norm": normalise_name(name)}
    _place(raw, row, tally, american=american)
    _web(raw, row, tally)
    _people(raw, row, tally)
    for field, read in SIMPLE.items():
        text = raw.get(field)
        if text and (value := _read(read, text, field, tally)):
            row[field] = value
    _lists(lists, row)
    _links(raw, row)
    _identity(raw, row, tally)
    return row


def _date(text: str) -> str | None:
    found = cells.iso_date(text)  # 04/03/2015 may be April or March
    return found.isoformat() if found else None


def _year(text: str) -> str | None:
    found = cells.year(text)
    return str(found) if found else None


def _phone(text: str) -> str | None:
    phone = cells.line(text, 50)
    return phone if sum(map(str.isdigit, phone)) >= 5 else None


def _description(text: str) -> str | None:
    stripped = text.strip()
    if len(stripped) > cells.MOST_DESCRIPTION:
        return stripped[: cells.MOST_DESCRIPTION - 1] + "…"
    return stripped or None


# Fields with one cell each that depend on no other.
SIMPLE: Mapping[str, Callable[[str], str | None]] = {
    "status": normalise_status,
    "founded_year": _year,
    "incorporated": _date,
    "description": _description,
    "linkedin_url": cells.linkedin,
    "phone": _phone,
    "email": cells.email,
}

LISTS: Mapping[str, Callable[[str], list[str]]] = {
    "industries": cells.industries,
    "sic_codes": cells.sic_list,
    "tech": cells.words,
}


def _read(read: Callable[[str], str | None], text: str, field: str, tally: Tally) -> str | None:
    value = read(text)
    if value is None and not cells.is_blank_address(text) and text.strip() not in ZEROS:
        tally.repair(f"{field} not understood")
    return value


def _place(raw: Raw, row: StagedRow, tally: Tally, *, american: bool) -> None:
    stated = (raw.get(field, "") for field in ("country", "location", "town", "region"))
    place, fault = place_of(*stated, american=american)
    if fault:
        tally.repair(fault)
    row.update(place)


@lru_cache(maxsize=10_000)  # a file names the same places again and again
def place_of(
    country: str, location: str, town: str, region: str, *, american: bool
) -> tuple[dict[str, str], str | None]:
    """The columns of a place, and what could not be understood of it."""
    text, fault = country.strip(), None
    code = country_code(text) if text else None
    place = Place()
    if text and code is None:  # some put a whole address there
        place = parse_place(text, american=american)
        code = place.country
        if code is None:
            fault = "country not understood"
    if location:
        place = parse_place(location, country=code, american=american)
    found = {
        "town": cells.line(town) or place.town,
        "region": cells.line(region) or place.region,
        "country": code or place.country,
    }
    return {name: value for name, value in found.items() if value}, fault


def _web(raw: Raw, row: StagedRow, tally: Tally) -> None:
    if (text := raw.get("website")) and (
        address := _read(cells.web_address, text, "website", tally)
    ):
        row["website"] = address
    for address in (raw.get("domain"), row.get("website")):
        if address and (domain := registered_domain(address)):
            row["domain"] = domain
            break


def _people(raw: Raw, row: StagedRow, tally: Tally) -> None:
    text = raw.get("employees", "").strip()
    if not text:
        return
    people = parse_headcount(text)
    if people is None:
        if text not in ZEROS:
            tally.repair("employees not understood")
            row["employees_text"] = cells.line(text)
        return
    if people.count:
        row["employees"] = str(people.count)
    if people.band:
        row["employees_band"] = people.band
    if people.as_of:
        row["employees_as_of"] = people.as_of.isoformat()


def _lists(lists: Lists, row: StagedRow) -> None:
    for field, texts in lists.items():
        values = dict.fromkeys(value for text in texts for value in LISTS[field](text))
        if values:
            row[field] = array(list(values)[: cells.MOST_LABELS])


def _links(raw: Raw, row: StagedRow) -> None:
    links = {
        field.removeprefix("links."): address
        for field, text in raw.items()
        if field.startswith("links.") and (address := cells.web_address(text))
    }
    if links:
        row["links"] = json_object(links)


def _identity(raw: Raw, row: StagedRow, tally: Tally) -> None:
    """What the row is known by when the same file comes again."""
    text = raw.get("company_number")
    if text and (number := cells.company_number(text, row.get("country"))):
        row["company_number"] = number
    elif text:
        tally.repair("company_number not understood")
    given = cells.line(raw.get("source_id", ""), MOST_SOURCE_ID)
    row["source_id"] = given or row.get("company_number") or _derived_id(row)


def _derived_id(row: StagedRow) -> str:
    known = row["name_norm"] or row["name"].casefold()
    derived = f"{known}|{row.get('domain') or row.get('country') or ''}"
    if len(derived) <= MOST_SOURCE_ID:
        return derived
    digest = sha256(derived.encode("utf-8", "replace")).hexdigest()
    return f"{derived[: MOST_SOURCE_ID - len(digest) - 1]}~{digest}"
