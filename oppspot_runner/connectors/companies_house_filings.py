"""What entries of a filing history are about.

Each has a description, a key of the register's list of phrases, and values for the phrase.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from oppspot_runner.connectors.companies_house_answers import Filing

ALLOTMENT = "capital-allotment-shares"
AMENDED = f"second-filing-{ALLOTMENT}"
NEW_CHARGE = "mortgage-create-"
NEW_NAME = "certificate-change-of-name-company"
NEW_ADDRESS = "change-registered-office-address-company"
MOST_DIGITS, MOST_CURRENCY = 20, 3
FIGURE = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Allotment:
    """Shares that were issued on one day; `capital` is all that there is after it.

    `growth` is the part by which the capital grew; None where that cannot be told.
    """

    day: date
    capital: Decimal | None = None
    currency: str = ""
    growth: Decimal | None = None


def allotments(filings: Iterable[Filing]) -> list[Allotment]:
    """The days on which shares were issued, oldest first; what was filed again counts once.

    A second filing corrects the first: of one day it wins, else the larger capital.
    """
    best: dict[date, tuple[bool, Decimal, Allotment]] = {}
    for filing in filings:
        if filing.description in (ALLOTMENT, AMENDED):
            found = _allotment(filing)
            rank = filing.description == AMENDED, found.capital or Decimal(0), found
            if found.day not in best or rank[:2] > best[found.day][:2]:
                best[found.day] = rank
    return _with_growth(best[day][2] for day in sorted(best))


def stated_day(filing: Filing, name: str) -> date:
    """The day that a value of the filing names, else that of the filing."""
    try:
        return date.fromisoformat(str((filing.description_values or {}).get(name)))
    except ValueError:
        return filing.date


def _allotment(filing: Filing) -> Allotment:
    given = (filing.description_values or {}).get("capital")
    stated = given[0] if isinstance(given, list) and given else None
    if not isinstance(stated, Mapping):
        return Allotment(stated_day(filing, "date"))
    currency = str(stated.get("currency") or "")[:MOST_CURRENCY]
    return Allotment(stated_day(filing, "date"), _figure(stated.get("figure")), currency)


def _figure(value: Any) -> Decimal | None:
    text = str(value).replace(",", "").strip()
    if len(text) > MOST_DIGITS or not FIGURE.fullmatch(text):
        return None
    return Decimal(text) or None


def _with_growth(issued: Iterable[Allotment]) -> list[Allotment]:
    """Each with how much larger the capital is than the last one in that currency."""
    last: dict[str, Decimal] = {}
    whole = []
    for one in issued:
        before = last.get(one.currency)
        growth = one.capital / before - 1 if one.capital and before else None
        whole.append(replace(one, growth=growth))
        if one.capital:
            last[one.currency] = one.capital
    return whole
