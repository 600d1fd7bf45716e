"""UK SIC 2007 codes: read them from register text, find the codes under a prefix.

Codes of four digits are SIC 2003, where the same digits mean another trade (62 was air transport),
so they are kept as data but never matched.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache

from oppspot_runner.companies.packaged import read_lines

SIC_TEXT = re.compile(r"\s*(\d{4,5})\s*(?:-.*)?", re.DOTALL)
SIC_2007_DIGITS = 5


def sic_code(text: str) -> str | None:
    """The code in `"62012 - Business and domestic software"`; None for "None Supplied" and such."""
    match = SIC_TEXT.fullmatch(text)
    return match[1] if match and match[1].isascii() else None


def is_sic_2007(code: str) -> bool:
    """Whether `code` is one of the 731 codes of five digits."""
    return code in _known()


def sic_under(prefixes: Iterable[str]) -> list[str]:
    """All codes that begin with one of `prefixes` ("62" is the whole division), in order."""
    codes, found = sic_codes(), set[str]()
    for prefix in prefixes:
        start = bisect_left(codes, prefix)
        for code in codes[start:]:
            if not code.startswith(prefix):
                break
            found.add(code)
    return sorted(found)


def first_under(codes: Iterable[str], prefixes: Iterable[str]) -> str | None:
    """The first five-digit code of `codes` that begins with one of `prefixes`."""
    wanted = tuple(prefixes)
    for code in codes:
        if len(code) == SIC_2007_DIGITS and code.startswith(wanted):
            return code
    return None


@cache
def sic_codes() -> tuple[str, ...]:
    """All five-digit codes in order."""
    return tuple(sorted(" ".join(read_lines("sic_codes.txt")).split()))


@cache
def _known() -> frozenset[str]:
    return frozenset(sic_codes())
