"""Finds dates in short notes such as "(as of the end of March 2013)" and takes them out.

Years before 1900 are no dates of a count; a lone "2013" is one only where a note says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LAST_MONTH = 12
MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
YEAR = r"(?P<year>(?:19|20)\d\d)"
SECOND_YEAR = r"(?:/\d\d(?:\d\d)?)?"  # of a financial year
AS_OF = r"(?:\b(?:as (?:of|at)|at|in|on|since)\s+)?(?:the\s+)?(?P<end>\bend(?:\s+of)?\s+)?"

# Longest first. Outside brackets a bare year needs a word before it, or it is a number.
PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{AS_OF}\b{MONTH}\s+{DAY},?\s+{YEAR}\b",
        rf"{AS_OF}\b{DAY}\s+{MONTH},?\s+{YEAR}\b",
        rf"{AS_OF}\b(?P<day>\d{{1,2}})\.(?P<digits>\d{{1,2}})\.{YEAR}\b",
        rf"{AS_OF}\b{YEAR}-(?P<digits>\d\d)-(?P<day>\d\d)\b",
        rf"{AS_OF}\b(?P<digits>\d{{1,2}})/{YEAR}\b",
        rf"{AS_OF}(?:\b[a-z]+\s*[–-]\s*)?\b{MONTH},?\s+{YEAR}\b",
        rf"\b(?P<end>end(?:\s+of)?\s+){YEAR}\b",
        rf"\b(?:as (?:of|at)|in|FY|mid|Q[1-4]|during|average)\s+{YEAR}{SECOND_YEAR}\b",
        rf"(?<=\()[^()\d]*{YEAR}{SECOND_YEAR}(?![\d,])[^()\d]*(?:\d\s?Q\s*)?(?=\)|$)",
        rf"(?<=,)\s*{YEAR}\s*(?=\)|$)",
        rf"(?<=\()[^()\d]*\b{YEAR}\b\s*[^()\d]*(?=\))",
    )
)


@dataclass(frozen=True)
class StatedDate:
    """A date, and where it stood in the text."""

    first_day: date
    position: int


def take_dates(text: str) -> tuple[str, list[StatedDate]]:
    """`text` with blanks in place of its dates, and the dates in the order of the text."""
    found: list[StatedDate] = []
    for pattern in PATTERNS:
        for match in list(pattern.finditer(text)):
            day = _first_day(match.groupdict())
            if day is None:
                continue
            found.append(StatedDate(day, match.start()))
            text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    return text, sorted(found, key=lambda stated: stated.position)


def _first_day(parts: dict[str, str | None]) -> date | None:
    """The day, the first of the month or the first of the year; the last of it after "end of"."""
    year = int(parts["year"] or 0)
    month_name, digits, day = parts.get("month"), parts.get("digits"), parts.get("day")
    month = MONTHS.index(month_name.lower()) + 1 if month_name else int(digits or 1)
    try:
        first = date(year, month, int(day or 1))
    except ValueError:
        return None
    if parts.get("end") and not day:
        month = month if month_name or digits else LAST_MONTH
        following = date(year + month // LAST_MONTH, month % LAST_MONTH + 1, 1)
        return following - timedelta(days=1)
    return first
