"""Single values out of the cells of a table: text, lists, years, dates, addresses.

Each function returns None, "" or [] when a cell says nothing or cannot be understood; the callers
count the difference.
"""

from __future__ import annotations

import ast
import json
import re
from datetime import date, datetime
from functools import lru_cache

from oppspot_runner.companies.domains import host_of
from oppspot_runner.companies.industry_table import industry_table
from oppspot_runner.companies.names import clean_name
from oppspot_runner.companies.sic import sic_code

MOST_DESCRIPTION = 10_000  # characters
MOST_CELL = 300  # characters of a town, a phone number, a label
MOST_URL = 2_000
MOST_LABELS = 50

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
NOTHING_BUT_SCHEME = re.compile(r"https?:/*", re.IGNORECASE)
YEAR = re.compile(r"(?<!\d)(\d{4})(?:\.0+)?(?!\d)")
ONE_YEAR = re.compile(r"\s*(\d{4})(?:\.0{1,2})?\s*")
BRITISH_DATE = re.compile(r"(\d{2})/(\d{2})/(\d{4})")
COMPANY_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9./-]{0,39}")
EMAIL = re.compile(r"[^@\s,;<>]{1,64}@[^@\s,;<>]+\.[^@\s,;<>]+")
SEPARATORS = (";", "|", ",")
FIRST_YEAR, LAST_YEAR = 500, 2_200
UK_NUMBER_LENGTH = 8


def without_controls(text: str) -> str:
    """`text` without control characters but tab and line ends."""
    if text.rstrip("\r\n").isprintable():  # a fifth of the time of a search
        return text
    return CONTROLS.sub("", text)


def line(text: str, most: int = MOST_CELL) -> str:
    """`text` on one line; "" when it is longer than `most` characters."""
    cleaned = clean_name(text)
    return cleaned if len(cleaned) <= most else ""


def year(text: str) -> int | None:
    """A year that stands alone, or the only one in a text ("1988 ; 38 years ago ( 1988 )")."""
    alone = ONE_YEAR.fullmatch(text)
    years = {int(alone[1])} if alone else {int(found) for found in YEAR.findall(text)}
    found = years.pop() if len(years) == 1 else 0
    return found if FIRST_YEAR <= found <= LAST_YEAR else None


def iso_date(text: str) -> date | None:
    """A day written as 2015-03-04, with or without a time behind it."""
    try:
        return datetime.fromisoformat(text.strip()).date()
    except ValueError:
        return None


def british_date(text: str) -> date | None:
    """A day written as 04/03/2015, the fourth of March."""
    match = BRITISH_DATE.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        return None


def web_address(text: str) -> str | None:
    """The first web address as it was written; None when it has no host name."""
    address = line(text, MOST_URL).partition(" ")[0]
    return address if address and host_of(address) else None


def is_blank_address(text: str) -> bool:
    """Whether an address holds nothing, or nothing but "https://"."""
    return not text.strip() or NOTHING_BUT_SCHEME.fullmatch(text.strip()) is not None


def linkedin(text: str) -> str | None:
    """An address on linkedin.com."""
    address = line(text, MOST_URL)
    host = host_of(address)
    return address if host and (host == "linkedin.com" or host.endswith(".linkedin.com")) else None


def email(text: str) -> str | None:
    """One e-mail address in lower case."""
    address = line(text).lower().removeprefix("mailto:")
    return address if EMAIL.fullmatch(address) else None


def company_number(text: str, country: str | None = None) -> str | None:
    """A register number in capitals without blanks; a British one has eight characters."""
    number = "".join(text.split()).upper()
    if country == "GB" and number.isdigit():
        number = number.zfill(UK_NUMBER_LENGTH)
    return number if COMPANY_NUMBER.fullmatch(number) else None


def labels(text: str) -> list[str]:
    """The labels in a JSON or Python list, or in text with ; | or , between them."""
    stripped = text.strip()
    if not stripped:
        return []
    if stripped.startswith(("[", "(", "{")):
        listed = _listed(stripped)
        if listed is not None:
            return listed[:MOST_LABELS]
    if industry_table().find(stripped):  # "Food, Beverage & Tobacco" is one label
        return [stripped]
    for separator in SEPARATORS:
        if separator in stripped:
            return [one.strip() for one in stripped.split(separator)][:MOST_LABELS]
    return [stripped]


def _listed(text: str) -> list[str] | None:
    if text.startswith("['") and text.endswith("']") and '"' not in text and "\\" not in text:
        return text[2:-2].split("', '")  # the usual case, twenty times faster than parsing it
    for parse in (json.loads, ast.literal_eval):
        try:
            values = parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(values, list | tuple | set):
            return [str(value) for value in values if isinstance(value, str | int)]
    return None


def industries(text: str) -> list[str]:
    """The labels of a cell as tags, each once."""
    found: dict[str, None] = {}
    for label in labels(text):
        found.update(dict.fromkeys(_tags(label)))
    return list(found)[:MOST_LABELS]


@lru_cache(maxsize=10_000)
def _tags(label: str) -> tuple[str, ...]:
    return tuple(industry_table().expand([label]))


def words(text: str) -> list[str]:
    """The labels of a cell as they are written, each once, without overlong ones."""
    return list(dict.fromkeys(filter(None, (line(label, 100) for label in labels(text)))))


def sic_list(text: str) -> list[str]:
    """The SIC codes in a list, or in text with separators, each once."""
    found = (sic_code(label) for label in labels(text))
    return list(dict.fromkeys(code for code in found if code))
