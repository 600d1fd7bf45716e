"""Judges numbers against wanted ranges: head count, revenue, growth, age of the company."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from oppspot_runner.companies.company import Company
from oppspot_runner.companies.criteria import Money, Range
from oppspot_runner.companies.scoring_verdict import Verdict

BAND = re.compile(r"(\d{1,15})(?:-(\d{1,15})|\+)")
DAYS_OF_YEAR = 365.2425
MOST_AMOUNT = 10**18  # also keeps out infinity and NaN


def range_match(value: float, low: float | None, high: float | None) -> float:
    """1 inside [low, high]; outside it falls in a straight line over log2 of the distance.

    It is 0 at half of `low` and at twice `high`: of 500 wanted at most, 707 gives 0.5, 1000 none.
    """
    if low is not None and value < low:
        return max(0.0, 1 - math.log2(low / value)) if value > 0 else 0.0
    if high is not None and value > high:
        return max(0.0, 1 - math.log2(value / high)) if high > 0 else 0.0
    return 1.0


def describe_range(low: float | None, high: float | None) -> str:
    """The range in words, such as "10-500" or "at least 10"."""
    if low is None:
        return f"at most {_number(high)}"
    if high is None:
        return f"at least {_number(low)}"
    return f"{_number(low)}-{_number(high)}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value == int(value) else f"{value:,g}"


def judge_number(value: float, wanted: Range, what: str, field: str) -> Verdict:
    """The verdict on a known number; `what` is its wording, such as "120 employees"."""
    match = range_match(value, wanted.min, wanted.max)
    text = f"{what}, wanted {describe_range(wanted.min, wanted.max)}"
    return Verdict(match, text, field, fits=match == 1.0, value=value)


@dataclass(frozen=True)
class HeadCount:
    """The number of employees, else the band that is stated for it."""

    wanted: Range

    def judge(self, company: Company, now: datetime) -> Verdict:
        """A band counts as known when all of it fits, or none of it."""
        if company.employees is not None:
            what = f"{company.employees:,} employees"
            return judge_number(company.employees, self.wanted, what, "employees")
        band = BAND.fullmatch(company.employees_band or "")
        if band is None:
            return Verdict(None, "head count not known")
        low, high = float(band[1]), float(band[2]) if band[2] else math.inf
        return self._judge_band(low, high, company.employees_band)

    def _judge_band(self, low: float, high: float, band: str | None) -> Verdict:
        least = -math.inf if self.wanted.min is None else self.wanted.min
        most = math.inf if self.wanted.max is None else self.wanted.max
        if low <= most and high >= least and not (least <= low and high <= most):
            return Verdict(None, f"head count only known as {band}")
        nearest = low if low > most else high
        return judge_number(nearest, self.wanted, f"{band} employees", "employees_band")


@dataclass(frozen=True)
class Age:
    """Whole years since the company was incorporated, else founded."""

    wanted: Range

    def judge(self, company: Company, now: datetime) -> Verdict:
        if company.incorporated is not None:
            years = age_years(company.incorporated, now)
            return judge_number(years, self.wanted, f"{years} years old", "incorporated")
        if company.founded_year is not None:
            years = max(0, now.year - company.founded_year)
            return judge_number(years, self.wanted, f"about {years} years old", "founded_year")
        return Verdict(None, "age not known")


def age_years(since: date, now: datetime) -> int:
    """Whole years between a day and now; 0 for a day to come."""
    return max(0, int((now.date() - since).days / DAYS_OF_YEAR))


@dataclass(frozen=True)
class FactNumber:
    """A number that only facts hold, such as growth in percent."""

    field: str
    what: str
    wanted: Range

    def judge(self, company: Company, now: datetime) -> Verdict:
        fact = company.facts.get(self.field)
        value = _amount(fact.value if fact else None)
        if value is None:
            return Verdict(None, f"{self.what} not known")
        return judge_number(value, self.wanted, f"{self.what} {_number(value)}", self.field)


@dataclass(frozen=True)
class Revenue:
    """Revenue, stated as {"amount": ..., "currency": "GBP"} or as a bare number."""

    wanted: Money

    def judge(self, company: Company, now: datetime) -> Verdict:
        fact = company.facts.get("revenue")
        value = fact.value if fact else None
        pair = value if isinstance(value, Mapping) else {"amount": value}
        amount, currency = _amount(pair.get("amount")), pair.get("currency")
        if amount is None:
            return Verdict(None, "revenue not known")
        if self.wanted.currency and currency != self.wanted.currency:
            return Verdict(None, f"revenue only known in {currency or 'an unknown currency'}")
        what = f"revenue {_number(amount)} {currency or ''}".rstrip()
        return judge_number(amount, self.wanted, what, "revenue")


def _amount(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < MOST_AMOUNT else None
