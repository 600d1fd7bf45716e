"""Judges a company by all criteria of a goal, and says what rules it out altogether.

A `Rubric` is a goal made ready: labels are looked up once, then any number of companies is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from oppspot_runner.companies.company import Company
from oppspot_runner.companies.criteria import GoalCriteria
from oppspot_runner.companies.industries import IndustryTable
from oppspot_runner.companies.industry_table import industry_table
from oppspot_runner.companies.scoring_industry import IndustryLabels, stated_sic_codes
from oppspot_runner.companies.scoring_parts import Signal
from oppspot_runner.companies.scoring_ranges import Age, FactNumber, HeadCount, Revenue
from oppspot_runner.companies.scoring_sets import (
    FundingStage,
    Keywords,
    Place,
    SicCodes,
    Status,
    Technologies,
    label_key,
)
from oppspot_runner.companies.scoring_verdict import Judge, Verdict

# Companies that can buy nothing any more; wanted only by who asks for such a status.
DEAD = (
    "inactive",
    "dissolved",
    "closed",
    "converted-closed",
    "removed",
    "deregistered",
    "bankrupt",
    "liquidation",
    "administration",
    "receivership",
    "insolvency-proceedings",
    "voluntary-arrangement",
    "active-proposal-to-strike-off",
)
# Dormant, non-trading, residents' property management: no business, unless asked for.
IDLE_SIC = ("99999", "74990", "98000")


@dataclass(frozen=True)
class Rubric:
    """A goal made ready to judge companies by."""

    criteria: GoalCriteria
    judges: dict[str, Judge]
    weights: dict[str, float]  # of each set criterion
    signal_types: frozenset[str] = frozenset()
    dead: frozenset[str] = frozenset()
    unwanted_sic: tuple[str, ...] = ()
    _numbers: frozenset[str] = field(default=frozenset(), repr=False)
    _domains: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, criteria: GoalCriteria, industries: IndustryTable | None = None) -> Rubric:
        """The rubric of `criteria`; labels mean what `industries`, else our table, says."""
        wanted_sic, exclude = tuple(criteria.sic_codes or ()), criteria.exclude
        statuses = {label_key(name) for name in criteria.company_status or ()}
        return cls(
            criteria,
            _judges(criteria, industries or industry_table()),
            {name: criteria.weight(name) for name in criteria.names()},
            frozenset(criteria.signals or ()),
            frozenset(key for name in DEAD if (key := label_key(name)) not in statuses),
            tuple(exclude.sic_codes)
            + tuple(code for code in IDLE_SIC if not code.startswith(wanted_sic or ("-",))),
            frozenset(label_key(number) for number in exclude.company_numbers),
            frozenset(domain.lower() for domain in exclude.domains),
        )

    def judge(
        self, company: Company, now: datetime, signals: Sequence[Signal] = ()
    ) -> dict[str, Verdict]:
        """The verdict of each set criterion, in the order of CRITERIA."""
        verdicts = {name: judge.judge(company, now) for name, judge in self.judges.items()}
        if self.signal_types:
            verdicts["signals"] = self._judge_signals(signals)
        return verdicts

    def _judge_signals(self, signals: Sequence[Signal]) -> Verdict:
        """That a signal was not seen says nothing: it may yet come."""
        found = sorted(self.signal_types.intersection(signal.type for signal in signals))
        if not found:
            return Verdict(None, f"no signal of {', '.join(sorted(self.signal_types))} seen yet")
        return Verdict(1.0, f"{', '.join(found)} seen", fits=True)

    def disqualified(
        self, company: Company, verdicts: dict[str, Verdict]
    ) -> tuple[str, str] | None:
        """What rules the company out, as (rule, sentence), or None."""
        if company.status and label_key(company.status) in self.dead:
            return "company_status", f"status {company.status}"
        for code in stated_sic_codes(company):
            if self.unwanted_sic and code.startswith(self.unwanted_sic):
                return "excluded_sic", f"SIC {code} is not wanted"
        if company.domain and company.domain in self._domains:
            return "excluded_domain", f"{company.domain} is not wanted"
        if company.company_number and label_key(company.company_number) in self._numbers:
            return "excluded_number", f"{company.company_number} is not wanted"
        for name in self.criteria.must:
            verdict = verdicts.get(name)
            if verdict is not None and verdict.fails:
                return f"must_{name}", f"{name} is a must: {verdict.text}"
        return None


# Signals are judged by the rubric itself: they are no part of a company.
MAKERS: dict[str, Callable[[Any], Judge]] = {
    "location": Place.of,
    "employee_count": HeadCount,
    "revenue": Revenue,
    "growth_rate": partial(FactNumber, "growth_rate", "growth in percent"),
    "funding_stage": FundingStage,
    "tech_stack": Technologies,
    "sic_codes": SicCodes,
    "keywords": Keywords,
    "company_age_years": Age,
    "company_status": Status,
}


def _judges(criteria: GoalCriteria, industries: IndustryTable) -> dict[str, Judge]:
    judges: dict[str, Judge] = {}
    for name in criteria.names():
        wanted = getattr(criteria, name)
        labels = tuple(wanted) if isinstance(wanted, list) else wanted
        if name == "industry":
            judges[name] = IndustryLabels(labels, industries)
        elif name in MAKERS:
            judges[name] = MAKERS[name](labels)
    return judges
