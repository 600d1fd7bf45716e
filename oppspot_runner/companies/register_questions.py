"""What to ask the advanced search of the UK register for, so that it finds what a goal looks for.

The register knows trade, place, status and age of a company, nothing else of a goal. It is asked
for too many rather than too few: a Rubric judges what it finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from oppspot_runner.companies.criteria import GoalCriteria, Range
from oppspot_runner.companies.industry_table import industry_table
from oppspot_runner.companies.locations import Location, match_location
from oppspot_runner.companies.sic import sic_under

COUNTRY = "GB"
FIRST_YEAR = 1844  # when the register began
MOST_CODES = 50  # in one question
STATUSES = frozenset(
    {
        "active",
        "administration",
        "closed",
        "converted-closed",
        "dissolved",
        "insolvency-proceedings",
        "liquidation",
        "open",
        "receivership",
        "removed",
        "voluntary-arrangement",
    }
)


@dataclass(frozen=True)
class Questions:
    """Parameters of searches whose answers together are what is looked for.

    Companies were founded from the year `first` to `last`. None are `asked` where the register
    could not narrow it down, and `why_not` says so.
    """

    asked: tuple[Mapping[str, str], ...] = ()
    first: int = FIRST_YEAR
    last: int = FIRST_YEAR
    why_not: str = ""


def register_questions(criteria: GoalCriteria, today: date) -> Questions:
    """The questions for `criteria`, as of `today`."""
    places = [match_location(label) for label in criteria.location or ()]
    british = [one for one in places if not one.countries or COUNTRY in one.countries]
    if places and not british:
        return Questions(why_not="the goal looks for no company of the United Kingdom")
    statuses = sorted(STATUSES.intersection(criteria.company_status or ["active"]))
    if not statuses:
        return Questions(why_not="the register has none of the statuses that the goal looks for")
    towns, codes = _towns(british), _codes(criteria)
    if not towns and not codes:
        return Questions(why_not="the goal names no industry and no town to look for there")
    first, last = _years(criteria.company_age_years, today.year)
    asked = [
        {**by_code, **by_town, "company_status": ",".join(statuses)}
        for by_code in _parameters("sic_codes", _batches(codes))
        for by_town in _parameters("location", towns)
    ]
    return Questions(tuple(asked), first, last)


def _codes(criteria: GoalCriteria) -> list[str]:
    """The codes that are wanted, which say more than an industry does."""
    if criteria.sic_codes:
        return sic_under(criteria.sic_codes)
    return industry_table().sic_for(criteria.industry or ())


def _towns(places: Sequence[Location]) -> list[str]:
    """The towns that are wanted; none where a wider place is wanted too."""
    towns = [one.wanted for one in places if one.kind == "town"]
    return towns if len(towns) == len(places) else []


def _batches(codes: Sequence[str]) -> list[str]:
    starts = range(0, len(codes), MOST_CODES)
    return [",".join(codes[start : start + MOST_CODES]) for start in starts]


def _parameters(name: str, values: Sequence[str]) -> list[dict[str, str]]:
    """A parameter for each value; for no value once without it."""
    return [{name: value} for value in values] or [{}]


def _years(age: Range | None, this_year: int) -> tuple[int, int]:
    """The first and last year in which companies of that age were founded."""
    first, last = FIRST_YEAR, this_year
    if age is not None and age.max is not None:
        first = max(first, this_year - int(min(age.max, this_year)) - 1)
    if age is not None and age.min is not None:
        last = max(first, this_year - int(max(0, min(age.min, this_year))))
    return first, last
