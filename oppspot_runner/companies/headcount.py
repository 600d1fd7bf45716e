"""Head counts out of the text people write them in. Never guesses: what is unclear is None.

"36,199 (as of the end of March 2013)", "c. 43,000 (2024)", "8,923 (2024", "1.2 million", "10-50".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from oppspot_runner.companies.stated_dates import StatedDate, take_dates

MOST_TEXT = 500  # characters
MOST_DIGITS = 20  # with separators; a float holds 15 or so
MOST_PEOPLE = 20_000_000  # ten times the largest employer

BANDS = (10, 50, 200, 500, 1_000, 5_000, 10_000)
UNITS = {"k": 10**3, "thousand": 10**3, "m": 10**6, "mn": 10**6, "million": 10**6}

NUMBER = (
    r"(?<![\w.,])(?P<{0}>\d{{1,3}}(?:[,.'’\u00a0\u202f ]\d{{3}})+|\d+(?:\.\d+)?)(?![\d]|[.,]\d)"
    r"(?:\s?(?P<{0}_unit>k|mn?|thousand|million)(?![a-z]))?(?!\w)"
)
COUNT = re.compile(NUMBER.format("count"), re.IGNORECASE)
RANGE = re.compile(
    NUMBER.format("low") + r"\s*(?:-|–|—|to)\s*" + NUMBER.format("high"), re.IGNORECASE
)
PAGE = re.compile(r"(?<=[\d)])\s*:\s*\d{1,3}(?=\s|$)")  # "16,000 : 2" quotes page 2
CIRCA = re.compile(r"\b(ca?)\.(?=\d)", re.IGNORECASE)
MINUS = re.compile(r"\s*[-−–]")
ROUGH = re.compile(
    r"~|≈|>|\+|\b(?:c|ca|circa|approx\w*|about|around|over|nearly|almost|more than|est)\b",
    re.IGNORECASE,
)
# The whole group, when other numbers stand beside it. A label stands before or after its number.
GROUP = r"(?<!non)(?<!non[- ])(?:consolidated|group|including subsidiaries|total)\b"
LABEL_FIRST = re.compile(rf"{GROUP}\s*:?\s*" + NUMBER.format("count"), re.IGNORECASE)
LABEL_LAST = re.compile(
    NUMBER.format("count") + rf"\s*\(?[\s,]*(?:on )?{GROUP}(?!\s*:?\s*\d)", re.IGNORECASE
)
PART = re.compile(r"\bonly\b", re.IGNORECASE)  # "73 (Holding AB only)" is no count of the company
PARENTHESES = re.compile(r"\([^()]*(?:\)|$)")
WHOLE_NUMBER = re.compile(r"\s*(\d+)(?:\.0{1,2})?\s*")


@dataclass(frozen=True)
class HeadCount:
    """What a text says: a `count`, or a `band` such as "10-50".

    `as_of` is the first day of the period that the text names; `approximate` when it says so.
    """

    count: int | None = None
    band: str | None = None
    as_of: date | None = None
    approximate: bool = False


def parse_headcount(value: object) -> HeadCount | None:
    """The head count in a number or text; None when there is none, it is 0, or it is unclear."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _plain(value)
    if not isinstance(value, str) or not value.strip() or len(value) > MOST_TEXT:
        return None
    if whole := WHOLE_NUMBER.fullmatch(value):
        return _plain(int(whole[1]))
    if MINUS.match(value) or PART.search(value):
        return None
    text, dates = take_dates(CIRCA.sub(r"\1. ", PAGE.sub("", value)))
    return _band(text, dates) or _count(text, dates)


def size_band(count: int) -> str:
    """The band of a head count: "1-10", "11-50", ... "10001+"."""
    low = 1
    for high in BANDS:
        if count <= high:
            return f"{low}-{high}"
        low = high + 1
    return f"{low}+"


def _plain(number: float) -> HeadCount | None:
    if not 0 < number <= MOST_PEOPLE or number != int(number):  # False for NaN as well
        return None
    return HeadCount(int(number))


def _band(text: str, dates: list[StatedDate]) -> HeadCount | None:
    main = PARENTHESES.sub(" ", text)
    match = RANGE.search(main)
    if match is None or len(COUNT.findall(main)) != 2:  # low and high, and no other
        return None
    if bool(match["low_unit"]) != bool(match["high_unit"]):  # "1-5k" may start at 1 or 1,000
        return None
    high = _number(match["high"], match["high_unit"])
    low = _number(match["low"], match["low_unit"])
    if low is None or high is None or not 0 < low < high <= MOST_PEOPLE:
        return None
    return HeadCount(band=f"{low}-{high}", as_of=_only_date(dates))


def _count(text: str, dates: list[StatedDate]) -> HeadCount | None:
    match, as_of = _choose(text, dates)
    if match is None:
        return None
    number = _number(match["count"], match["count_unit"])
    if number is None or not 0 < number <= MOST_PEOPLE:
        return None
    rough = ROUGH.search(text) is not None
    return HeadCount(number, None, as_of, rough)


def _choose(text: str, dates: list[StatedDate]) -> tuple[re.Match[str] | None, date | None]:
    """The number that is meant and the date that belongs to it."""
    for labelled in (LABEL_FIRST, LABEL_LAST):
        found = list(labelled.finditer(text))
        if found:
            return (found[0] if len(found) == 1 else None), _only_date(dates)
    main = PARENTHESES.sub(lambda part: " " * len(part[0]), text)
    counts = list(COUNT.finditer(main))
    if len(counts) == 1:
        return counts[0], _date_after(counts[0], dates)
    if len(counts) > 1 and len(counts) == len(dates):
        years = [_date_after(count, dates) for count in counts]
        known = [year for year in years if year]
        if len(set(known)) == len(counts):
            newest = max(known)
            return counts[years.index(newest)], newest
    return None, None


def _date_after(count: re.Match[str], dates: list[StatedDate]) -> date | None:
    following = [stated.first_day for stated in dates if stated.position >= count.end()]
    return following[0] if following else _only_date(dates)


def _only_date(dates: list[StatedDate]) -> date | None:
    days = {stated.first_day for stated in dates}
    return days.pop() if len(days) == 1 else None


def _number(digits: str, unit: str | None) -> int | None:
    """The whole number that is written; None for fractions and for "3.000", which may be 3."""
    if len(digits) > MOST_DIGITS:
        return None
    if unit:
        number = float(digits.replace(",", "")) * UNITS[unit.lower()]
        return int(number) if number == int(number) else None
    if re.fullmatch(r"\d+\.\d{1,2}", digits):
        return int(float(digits)) if float(digits) == int(float(digits)) else None
    if re.fullmatch(r"\d{4,}\.\d+", digits) or digits.endswith(".000"):
        return None
    return int(re.sub(r"\D", "", digits))
