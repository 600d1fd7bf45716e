r"""Patterns of fingerprints: a regular expression, the version it tells, how sure a match is.

Written as `wp-json/v(\d)\;version:\1\;confidence:50`. Expressions are other people's, and so are
the pages: what cannot be compiled is tolerated, and a search that takes too long is given up.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import cached_property
from time import monotonic

import regex

from oppspot_runner.base.errors import InvalidInputError

MOST_SEARCH_S = 0.1
MOST_VERSION = 40  # characters
SHORTEST_LITERAL = 3

TERNARY = re.compile(r"\\(\d)\?([^:]*):(.*)")
GROUP = re.compile(r"\\(\d)")
QUANTIFIER = re.compile(r"[*+?]|\{\d*,?\d*\}")
SHORTHANDS = frozenset("dDwWsSbBAZzGRXKpPkgntrfvx0123456789uNUL")


class OutOfTimeError(Exception):
    """The searches over one page have taken as long as they may."""


class TimeBudget:
    """How long the searches over one page may take together.

    `gave_up` are the expressions of single searches that took too long.
    """

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds
        self.gave_up: list[str] = []

    def left_s(self) -> float:
        """The seconds that are left. Raises OutOfTimeError when there are none."""
        left_s = self._until - monotonic()
        if left_s <= 0:
            raise OutOfTimeError
        return left_s


@dataclass(frozen=True)
class Pattern:
    """A regular expression that ignores case; "" matches everything. `confidence` is 0 to 100."""

    expression: str
    version: str = ""
    confidence: int = 100

    @cached_property
    def literal(self) -> str:
        """What stands in every text that matches, in lower case; "" when that is not known."""
        literal = required_literal(self.expression)
        return literal if len(literal) >= SHORTEST_LITERAL else ""

    @cached_property
    def compiled(self) -> regex.Pattern[str] | None:
        """The expression, None when it is none."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of sets that other dialects would nest
            try:
                return regex.compile(self.expression, regex.IGNORECASE)
            except (regex.error, RecursionError, OverflowError):
                return None

    def search(self, text: str, budget: TimeBudget) -> regex.Match[str] | None:
        """The first match; None when there is none, or it was not found in time.

        Raises OutOfTimeError when the budget is used up.
        """
        compiled, left_s = self.compiled, budget.left_s()
        if compiled is None:
            return None
        try:
            return compiled.search(text, timeout=min(left_s, MOST_SEARCH_S), concurrent=True)
        except TimeoutError:
            budget.gave_up.append(self.expression)
            return None

    def version_of(self, match: regex.Match[str]) -> str:
        """The version that a match tells, "" when it tells none."""
        template = self.version
        if ternary := TERNARY.search(template):
            chosen = ternary[2] if _group(match, ternary[1]) else ternary[3]
            template = template[: ternary.start()] + chosen
        version = GROUP.sub(lambda group: _group(match, group[1]), template).strip()
        return version if len(version) <= MOST_VERSION and version.isprintable() else ""


def parse_pattern(text: str) -> Pattern:
    """The pattern that is written in `text`. Raises InvalidInputError for a bad confidence."""
    expression, *tags = text.split("\\;")
    version, confidence = "", 100
    for tag in tags:
        name, _, value = tag.partition(":")
        if name == "version":
            version = value
        elif name == "confidence":
            if not value.isascii() or not value.isdigit() or int(value) > 100:
                raise InvalidInputError(f"the confidence {value!r} is no whole number up to 100")
            confidence = int(value)
    return Pattern(expression, version, confidence)


def required_literal(expression: str) -> str:
    """The longest text, in lower case, that must stand in whatever `expression` matches.

    "" when none is seen, as where there are alternatives. Never too long: a text without it is no
    match.
    """
    runs, run, position = [""], "", 0
    while position < len(expression):
        sign = expression[position]
        if sign == "|":
            return ""
        literal, after = _piece(expression, position)
        quantifier = QUANTIFIER.match(expression, after)
        if literal and quantifier is None:
            run += literal
        else:
            runs.append(run + literal if quantifier and quantifier[0] == "+" else run)
            run = ""
        position = quantifier.end() if quantifier else after
    # Letters whose cases are not one to one are taken by nobody's literal.
    return max((one for one in [*runs, run] if one.isascii()), key=len, default="").lower()


def _piece(expression: str, start: int) -> tuple[str, int]:
    """The one sign that the piece at `start` stands for, "" for any other; where it ends."""
    sign = expression[start]
    if sign == "\\":
        escaped = expression[start + 1 : start + 2]
        return ("" if escaped in SHORTHANDS else escaped), start + 2
    if sign == "[":
        return "", _end_of_set(expression, start)
    if sign == "(":
        return "", _end_of_group(expression, start)
    return ("" if sign in ".^$*+?{})" else sign), start + 1


def _end_of_set(expression: str, start: int) -> int:
    position = start + 1
    position += expression.startswith("^", position)
    position += expression.startswith("]", position)
    while position < len(expression) and expression[position] != "]":
        position += 2 if expression[position] == "\\" else 1
    return position + 1


def _end_of_group(expression: str, start: int) -> int:
    depth, position = 0, start
    while position < len(expression):
        sign = expression[position]
        if sign == "[":
            position = _end_of_set(expression, position)
            continue
        depth += (sign == "(") - (sign == ")")
        position += 2 if sign == "\\" else 1
        if depth == 0:
            break
    return position


def _group(match: regex.Match[str], number: str) -> str:
    try:
        return match[int(number)] or ""
    except IndexError:
        return ""
