"""What a goal means for a search among many companies: the values that the search statement takes.

The statement lets through all that may fit; a Rubric then judges what came. Both must agree on
what is ruled out, so a company that a Rubric accepts is never lost here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from oppspot_runner.companies.criteria import GoalCriteria, Range
from oppspot_runner.companies.industries import IndustryTable
from oppspot_runner.companies.industry_table import industry_table
from oppspot_runner.companies.locations import match_location
from oppspot_runner.companies.scoring_criteria import Rubric
from oppspot_runner.companies.scoring_industry import CONCLUDED
from oppspot_runner.companies.scoring_sets import label_key
from oppspot_runner.companies.sic import sic_under

Want = Literal["match", "near", "ruled_out"]
NEVER = r"(?!)"  # a pattern that is found nowhere
SOFT_EDGE = 2.0  # a near miss reaches to half of the least and to twice of the most
YEAR = 1  # years between ages by calendar year and by date


@dataclass(frozen=True)
class Hit:
    """A company that the search found. `ruled_out` names the rule when it was asked for."""

    id: UUID
    in_stream: bool
    ruled_out: str | None = None


@dataclass(frozen=True)
class SearchPage:
    """Some of what a search found. It goes on behind `cursor`; None: there is no more.

    A page may hold few hits, or none, and still have a cursor: one look is at so many companies.
    """

    hits: list[Hit]
    cursor: UUID | None


@dataclass(frozen=True)
class Search:
    """A search made ready; `values` are the parameters of the statement."""

    values: dict[str, Any]

    @classmethod
    def of(cls, rubric: Rubric, now: datetime, industries: IndustryTable | None = None) -> Search:
        """The search for what `rubric` would accept or call a near miss."""
        criteria = rubric.criteria
        return cls(
            {
                "must": list(criteria.must),
                **_industry(criteria, industries or industry_table()),
                **_places(criteria.location),
                **_head_count(criteria.employee_count),
                **_ages(criteria.company_age_years, now.year),
                "wanted_sic": _or_none(sic_under(criteria.sic_codes or ()), criteria.sic_codes),
                "tech": _keys(criteria.tech_stack),
                "keywords": _pattern(criteria.keywords) if criteria.keywords else None,
                "statuses": _keys(criteria.company_status),
                "dead": sorted(rubric.dead),
                "unwanted_sic": [f"{_literal(code)}%" for code in rubric.unwanted_sic],
                "concluded": CONCLUDED,
                "unwanted_domains": [name.lower() for name in criteria.exclude.domains],
                "unwanted_numbers": _keys(criteria.exclude.company_numbers) or [],
                "unwanted_streams": list(criteria.exclude.streams),
            }
        )


def _industry(criteria: GoalCriteria, table: IndustryTable) -> dict[str, Any]:
    labels = criteria.industry
    if not labels:
        return {"tags": None, "sic": [], "words": NEVER}
    words = [word for label in labels for word in table.meaning(label).keywords]
    return {"tags": table.tags_for(labels), "sic": table.sic_for(labels), "words": _pattern(words)}


def _places(labels: Sequence[str] | None) -> dict[str, Any]:
    """Countries when each wanted place names some, towns when each is a town."""
    places = [match_location(label) for label in labels or ()]
    by_country = bool(places) and all(place.countries for place in places)
    by_town = bool(places) and all(place.kind == "town" for place in places)
    return {
        "countries": sorted({code for place in places for code in place.countries})
        if by_country
        else None,
        "towns": sorted({name for place in places for name in place.names}) if by_town else None,
    }


def _head_count(wanted: Range | None) -> dict[str, Any]:
    low, high = (wanted.min, wanted.max) if wanted else (None, None)
    soft_low, soft_high = soft_range(low, high)
    return {"low": low, "high": high, "soft_low": soft_low, "soft_high": soft_high}


def soft_range(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """The range in which something is a near miss: half of the least to twice the most."""
    soft_low = None if low is None else low / SOFT_EDGE if low > 0 else low
    soft_high = None if high is None else high * SOFT_EDGE if high > 0 else high
    return soft_low, soft_high


def _ages(wanted: Range | None, this_year: int) -> dict[str, Any]:
    low, high = (wanted.min, wanted.max) if wanted else (None, None)
    first, last = _born(low, high, this_year)
    soft_first, soft_last = _born(*soft_range(low, high), this_year)
    return {
        "born_first": first,
        "born_last": last,
        "soft_born_first": soft_first,
        "soft_born_last": soft_last,
    }


def _born(low: float | None, high: float | None, this_year: int) -> tuple[int | None, int | None]:
    if low is None and high is None:
        return None, None
    oldest = 0 if high is None else max(0, this_year - int(min(high, this_year)) - YEAR - 1)
    youngest = this_year + YEAR
    if low is not None:
        youngest = this_year - int(max(0, min(low, this_year))) + YEAR
    return oldest, youngest


def _keys(labels: Sequence[str] | None) -> list[str] | None:
    return [label_key(label) for label in labels] if labels else None


def _or_none(codes: list[str], wanted: Sequence[str] | None) -> list[str] | None:
    return codes if wanted else None


def _literal(code: str) -> str:
    """`code` where LIKE would take some characters for wildcards."""
    return re.sub(r"([\\%_])", r"\\\1", code)


def _pattern(words: Sequence[str]) -> str:
    """A regular expression, of Postgres and of Python, that finds any of `words` as a whole."""
    if not words:
        return NEVER
    return rf"(?<!\w)(?:{'|'.join(re.escape(word) for word in words)})(?!\w)"
