"""Whether the value of a fact is fit for the column of its field, and in which form.

What facts hold came from outside. A value that does not fit is passed over, never bent. A field
without a column, such as growth, is known by its facts alone; any JSON value of bearable size fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.companies.countries import is_country_code
from oppspot_runner.companies.headcount import MOST_PEOPLE

MOST_TEXT = 10_000  # characters
MOST_LINE = 2_000
MOST_LABELS = 500
MOST_NOTE = 50_000  # characters of JSON

DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")
BAND = re.compile(r"\d{1,9}(?:-\d{1,9}|\+)")
UNPRINTABLE = re.compile(r"[\x00\ud800-\udfff]")


def fitting(field: str, value: Any) -> Any:
    """`value` in the form of the column `field`; None when it does not fit, or has no column."""
    check = CHECKS.get(field)
    return check(value) if check else None


def has_column(field: str) -> bool:
    """Whether a column of companies shows the best fact of `field`."""
    return field in CHECKS


def bearable(value: Any) -> bool:
    """Whether `value` can be kept as a fact of a field without a column."""
    return value is not None and len(dumps(clean(value))) <= MOST_NOTE


def _text(value: Any, most: int = MOST_LINE) -> str | None:
    is_text = isinstance(value, str) and value.strip() and len(value) <= most
    return value.strip() if is_text and not UNPRINTABLE.search(value) else None


def _description(value: Any) -> str | None:
    return _text(value, MOST_TEXT)


def _domain(value: Any) -> str | None:
    text = _text(value, 253)
    return text if text and DOMAIN.fullmatch(text) else None


def _status(value: Any) -> str | None:
    text = _text(value, 100)
    return text if text and text == text.lower() else None


def _country(value: Any) -> str | None:
    return value if isinstance(value, str) and is_country_code(value) else None


def _people(value: Any) -> int | None:
    return value if _is_whole(value) and 0 < value <= MOST_PEOPLE else None


def _band(value: Any) -> str | None:
    return value if isinstance(value, str) and BAND.fullmatch(value) else None


def _year(value: Any) -> int | None:
    return value if _is_whole(value) and 500 <= value <= 2200 else None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _day(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _labels(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MOST_LABELS:
        return None
    labels = [_text(label, 200) for label in value]
    return tuple(label for label in labels if label) if all(labels) else None


def _links(value: Any) -> dict[str, str] | None:
    if not isinstance(value, Mapping) or not 0 < len(value) <= MOST_LABELS:
        return None
    links = {key: _text(address) for key, address in value.items()}
    return {key: address for key, address in links.items() if address} or None


# Name and register number say which company it is; facts do not change that.
CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "domain": _domain,
    "status": _status,
    "country": _country,
    "region": _text,
    "town": _text,
    "sic_codes": _labels,
    "industries": _labels,
    "employees": _people,
    "employees_band": _band,
    "founded_year": _year,
    "incorporated": _day,
    "description": _description,
    "website": _text,
    "linkedin_url": _text,
    "phone": _text,
    "email": _text,
    "tech": _labels,
    "links": _links,
}
