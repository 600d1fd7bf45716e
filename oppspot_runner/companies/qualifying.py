"""Sorts what a search found: who matches a goal, who misses it narrowly, and why there are few.

A company matches when it meets every criterion of which enough is known; what is not known is
tolerated unless it is a must. The score does not decide that: it only ranks those who match.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from oppspot_runner.companies.company import Company
from oppspot_runner.companies.criteria import GoalCriteria, Range
from oppspot_runner.companies.scoring import Rank, Score, Scorer
from oppspot_runner.companies.scoring_verdict import Verdict
from oppspot_runner.companies.search import soft_range

MOST_SHOWN = 25  # near misses in an output


@dataclass(frozen=True, slots=True)
class Lack:
    """What a company lacks. `change` is the change of the goal that would let it in."""

    criterion: str
    text: str
    change: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A company that was looked at. `match` meets the goal, `near` misses it by its `lacks`."""

    company: Company
    score: Score
    kind: Literal["match", "near", "other"]
    lacks: tuple[Lack, ...] = ()
    unknown: tuple[str, ...] = ()
    in_stream: bool = False

    @property
    def rank(self) -> Rank:
        """Sorts the best first. See Score.rank."""
        return self.score.rank(self.company)


def look_at(company: Company, scorer: Scorer, *, in_stream: bool = False) -> Candidate:
    """What `company` is for the goal of `scorer`."""
    rubric = scorer.rubric
    verdicts = rubric.judge(company, scorer.now)
    score = scorer.score(company, verdicts=verdicts)
    unknown = tuple(name for name, verdict in verdicts.items() if not verdict.is_known)
    ruled_out = rubric.disqualified(company, {})
    found = None if ruled_out else _lacks(rubric.criteria, verdicts)
    kind: Literal["match", "near", "other"] = "other"
    if found is not None:
        kind = "near" if found else "match"
    return Candidate(company, score, kind, tuple(found or ()), unknown, in_stream)


def _lacks(criteria: GoalCriteria, verdicts: dict[str, Verdict]) -> list[Lack] | None:
    """What keeps a company from matching; None when it is too far away to be a near miss."""
    lacks = []
    for name, verdict in verdicts.items():
        if verdict.fails:
            lack = _out_of_range(name, getattr(criteria, name), verdict)
            if lack is None:
                return None
            lacks.append(lack)
        elif not verdict.is_known and name in criteria.must:
            lacks.append(Lack(name, f"{verdict.text}, and it is a must", f"{name} not a must"))
    return lacks


def _out_of_range(name: str, wanted: object, verdict: Verdict) -> Lack | None:
    if not isinstance(wanted, Range) or verdict.value is None:
        return None
    low, high = soft_range(wanted.min, wanted.max)
    if wanted.min is not None and low is not None and low <= verdict.value < wanted.min:
        return Lack(name, verdict.text, f"{name}.min {low:g}")
    if wanted.max is not None and high is not None and wanted.max < verdict.value <= high:
        return Lack(name, verdict.text, f"{name}.max {high:g}")
    return None


def without_duplicates(candidates: Iterable[Candidate]) -> tuple[list[Candidate], int]:
    """The candidates best first, of each company one, and how many others there were.

    Same: the same register number; the same domain, unless both have numbers that differ; the same
    name and country where there is neither. One that is in the stream stands for the others.
    """
    kept: list[Candidate] = []
    seen: set[tuple[str, ...]] = set()
    skipped = 0
    for one in sorted(candidates, key=lambda one: (not one.in_stream, one.rank)):
        own, alike = _identity(one.company)
        if seen.isdisjoint(alike):
            kept.append(one)
        else:
            skipped += 1
        seen.update(own)
    return sorted(kept, key=lambda one: one.rank), skipped


Keys = set[tuple[str, ...]]


def _identity(company: Company) -> tuple[Keys, Keys]:
    """What the company is known by, and what another one of these would be known by."""
    country = company.country or ""
    number: Keys = {("number", country, company.company_number or "")}
    numbered: Keys = {("numbered", company.domain or "")}
    unnumbered: Keys = {("unnumbered", company.domain or "")}
    name: Keys = {("name", country, company.name_norm)}
    match bool(company.company_number), bool(company.domain):
        case True, True:
            return number | numbered, number | unnumbered
        case True, False:
            return number, number
        case False, True:
            return unnumbered, numbered | unnumbered
        case _:
            return (name, name) if company.name_norm else (set(), set())


def below_bar(
    candidates: Sequence[Candidate], bar: float
) -> tuple[list[Candidate], list[Candidate]]:
    """Those that reach `bar`, and the others as near misses."""
    least = round(bar * 100)
    reached = [one for one in candidates if one.score.cents >= least]
    below = [_below(one, bar) for one in candidates if one.score.cents < least]
    return reached, below


def _below(one: Candidate, bar: float) -> Candidate:
    text = f"score {one.score.value:.2f}, wanted at least {bar:.2f}"
    lack = Lack("min_quality_score", text, "min_quality_score lower")
    return Candidate(one.company, one.score, "near", (lack,), one.unknown, one.in_stream)


def near_misses(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Near misses, those that lack least first."""
    found = [one for one in candidates if one.kind == "near"]
    return sorted(found, key=lambda one: (len(one.lacks), one.rank))


def shown_misses(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    """The first near misses in their JSON form, each with what it lacks."""
    return [
        {
            "company_id": str(one.company.id),
            "name": one.company.name,
            "country": one.company.country,
            "employees": one.company.employees,
            "lacks": [lack.text for lack in one.lacks],
        }
        for one in candidates[:MOST_SHOWN]
    ]


def missed_by(candidates: Iterable[Candidate]) -> Counter[str]:
    """How many near misses lack each criterion."""
    return Counter(lack.criterion for one in candidates for lack in one.lacks)


def changes(candidates: Iterable[Candidate]) -> Counter[str]:
    """How many more companies each single change of the goal would let in."""
    return Counter(one.lacks[0].change for one in candidates if len(one.lacks) == 1)


def relaxed(criteria: GoalCriteria) -> dict[str, GoalCriteria]:
    """The goal without one criterion at a time; nothing when there is only one."""
    names = criteria.names()
    if len(names) < 2:
        return {}
    return {
        f"without {name}": criteria.model_copy(
            update={name: None, "must": [other for other in criteria.must if other != name]}
        )
        for name in names
    }
