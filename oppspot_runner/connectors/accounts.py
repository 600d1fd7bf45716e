"""Head counts out of the annual accounts of UK companies, which are XHTML with tagged values.

A value of the tag `AverageNumberEmployeesDuringPeriod`, whatever its prefix, counts for the period
of its context, unless the context is about a part of the company only. Read as a stream, without
building a tree. A document that declares entities is refused: accounts need none, and a few of them
can grow to gigabytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from xml.parsers import expat

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.companies.growth import StatedCount
from oppspot_runner.companies.headcount import MOST_PEOPLE

TAG = ":AverageNumberEmployeesDuringPeriod"
INLINE, INSTANCE = "inlineXBRL", "http://www.xbrl.org/2003/instance"
NIL = "http://www.w3.org/2001/XMLSchema-instance nil"
SEPARATOR = " "  # between the namespace and the name of an element
DIMENSIONS = frozenset({"explicitMember", "typedMember"})
MOST_SCALE = 9
MOST_DIGITS = 30

# Formats by the names that the registries of transformations gave them over the years.
POINT = frozenset({"numcommadot", "numdotdecimal", "numspacedot"})
COMMA = frozenset({"numcomma", "numcommadecimal", "numdotcomma", "numspacecomma"})
ZERO = frozenset({"fixedzero", "numdash", "zerodash"})
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+", re.ASCII)
SPACES = re.compile(r"[\s\u00a0\u202f]+")


def read_head_counts(content: bytes) -> list[StatedCount]:
    """The average numbers of employees that accounts state, newest period first.

    Two values that differ for one period are none. Raises InvalidInputError for a document that
    is no XML, or declares entities.
    """
    reading = _Reading()
    parser = expat.ParserCreate(namespace_separator=SEPARATOR)
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise InvalidInputError(f"the accounts are no XML that can be read: {error}") from None
    return reading.head_counts()


def _refuse(*_: object) -> None:
    raise InvalidInputError("the accounts declare entities, which is refused")


@dataclass
class _Period:
    """A context: what a value is about."""

    ends: date | None = None
    is_part: bool = False


@dataclass
class _Value:
    """A tagged value as it stands in the document."""

    attributes: Mapping[str, str]
    parts: list[str] = field(default_factory=list)


class _Reading:
    """What has been read of a document so far. Contexts may stand behind the values."""

    def __init__(self) -> None:
        self.periods: dict[str, _Period] = {}
        self.values: list[_Value] = []
        self._period: _Period | None = None
        self._open: list[_Value | None] = []  # tagged numbers that have begun, None = another tag
        self._day: list[str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(SEPARATOR)
        if INLINE in namespace and name == "nonFraction":
            is_ours = attributes.get("name", "").endswith(TAG)
            self._open.append(_Value(attributes) if is_ours else None)
        elif namespace == INSTANCE and name == "context":
            self._period = self.periods[attributes.get("id", "")] = _Period()
        elif self._period is not None and name in DIMENSIONS:
            self._period.is_part = True
        elif namespace == INSTANCE and name in ("endDate", "instant"):
            self._day = []

    def end(self, tag: str) -> None:
        namespace, _, name = tag.rpartition(SEPARATOR)
        if INLINE in namespace and name == "nonFraction":
            if value := self._open.pop():
                self.values.append(value)
        elif namespace == INSTANCE and name == "context":
            self._period = None
        elif namespace == INSTANCE and name in ("endDate", "instant"):
            if self._period is not None and self._day is not None:
                self._period.ends = _day("".join(self._day), is_instant=name == "instant")
            self._day = None

    def text(self, text: str) -> None:
        if self._day is not None:
            self._day.append(text)
        for value in self._open:  # a number may stand in another one
            if value is not None:
                value.parts.append(text)

    def head_counts(self) -> list[StatedCount]:
        """The counts of whole periods, newest first."""
        stated: dict[date, set[int]] = {}
        for value in self.values:
            period = self.periods.get(value.attributes.get("contextRef", ""))
            if period is None or period.is_part or period.ends is None:
                continue
            count = head_count("".join(value.parts), value.attributes)
            if count is not None:
                stated.setdefault(period.ends, set()).add(count)
        return [
            StatedCount(day, counts.pop())
            for day, counts in sorted(stated.items(), reverse=True)
            if len(counts) == 1
        ]


def _day(text: str, *, is_instant: bool) -> date | None:
    """A day; midnight at the begin of a day, which some write, is the end of the day before."""
    day, _, time = text.strip().partition("T")
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return None
    return found - timedelta(days=1) if time.startswith("00:00") and not is_instant else found


def head_count(text: str, attributes: Mapping[str, str]) -> int | None:
    """The number of people that a tagged value means; None where it means none.

    `attributes` say how the text is to be read: format, scale, sign.
    """
    if attributes.get(NIL, "").lower() in ("true", "1") or attributes.get("sign"):
        return None  # no number of people is below zero
    number = _number(SPACES.sub("", text), _format(attributes.get("format", "")))
    if number is None:
        return None
    scale = attributes.get("scale", "0")
    if not scale.lstrip("+-").isdecimal() or abs(int(scale)) > MOST_SCALE:
        return None
    people = round(number.scaleb(int(scale)))
    return people if 0 <= people <= MOST_PEOPLE else None


def _format(name: str) -> str:
    return name.rpartition(":")[2].replace("-", "").lower()


def _number(text: str, form: str) -> Decimal | None:
    if form in ZERO:
        return Decimal(0)
    if form in COMMA:
        if THOUSANDS.fullmatch(text):  # a comma before decimals, says the format: hardly of people
            return None
        text = text.translate(str.maketrans(",.", ".,"))
    elif form and form not in POINT:
        return None
    if len(text) > MOST_DIGITS or not GROUPED.fullmatch(text):
        return None
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
