"""The score of a company for a goal: 0 to 5, with the reasons that add up to it. Pure arithmetic.

The formula, so that anybody can compute it again from the facts. `now` is stream_items.scored_at.

    score = 5 x (2 c + 1 d + 1 e + 1 s) / (sum of the weights of the parts that apply)

At stage `discovery` c and d apply, at stage `enriched` also e (divisor 4), at stage `full`, once a
source of signals has looked, all four (divisor 5); c only when a criterion is set. Rounded half up
to 2 decimals, and only then compared: critical from 4.50, high from 4.00, medium from 3.00, else
low.

c, criteria match: sum(weight x match) / sum(weight) over the criteria that could be judged; 0 when
   none could. Weights are 1 unless `goal_criteria.weights` says otherwise. What is not known is
   left out, and lowers the confidence. The match of
     - labels is 1 when any of the wanted ones is met, else 0;
     - industry is 1.0 for a SIC code and a tag or word, 0.8 for a tag or word, 0.6 for a SIC code
       alone, else 0; words are looked for only where no tag is known, and SIC codes that were
       concluded from tags do not count;
     - a range is 1 inside; below `min` max(0, 1 - log2(min / value)), above `max`
       max(0, 1 - log2(value / max)); a band of head counts counts when all of it is in or out.
d, completeness: sum(weight of known fields) / sum(weights) over name, website (or domain),
   description, industry (tags or SIC codes), employee_count (or band), region (or town or
   country), linkedin_url, phone, email. A field weighs 1, and 4 when a criterion of the goal judges
   it (industry and sic_codes: industry; employee_count; location: region; keywords: description).
   A field whose criterion is not met counts only by the match, so that knowing of a misfit
   is never worth more than not knowing.
e, enrichment: mean over register (company_number, incorporated), web (website, domain, tech),
   employees (or band) and social (linkedin_url, links) of the best
   confidence x 2^(-age / 90) of a known field; age in whole days; misfits count by the match.
   A value without a fact has confidence 0.5 and the age of its row.
s, signals: 1 - product of (1 - strength x confidence x 2^(-age / half-life) x fit x rank), with the
   best three of each type; the rank is 1 for the best of them, then 0.5 and 0.25.

confidence = sum over judged criteria of weight x confidence x 2^(-age / 90) / sum of all weights
   (without criteria: the mean over website, employees and country).
A company that is dead, excluded or fails a `must` has score 0 and one reason. A missing required
signal caps the score at 3.99, after discovery, by a reason with negative points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.companies.company import Company
from oppspot_runner.companies.criteria import GoalCriteria
from oppspot_runner.companies.scoring_criteria import Rubric
from oppspot_runner.companies.scoring_model import (
    MODEL,
    MOST_POINTS,
    REQUIRED_SIGNAL_CAP_CENTS,
    STAGES,
    Model,
    Priority,
    Stage,
    priority_of,
)
from oppspot_runner.companies.scoring_parts import (
    LABELS,
    Case,
    Share,
    Signal,
    completeness,
    enrichment,
    field_weights,
    signals,
    trust,
)
from oppspot_runner.companies.scoring_points import in_cents
from oppspot_runner.companies.scoring_verdict import Verdict

BASICS = ("website", "employees", "country")

Shares = dict[str, list[Share]]
Rank = tuple[int, float, str, str, UUID]


@dataclass(frozen=True, slots=True)
class Score:
    """A score and all that explains it. `cents` is the score times 100, `value` the score.

    `parts` are the components from 0 to 1. `reasons` and `missing` have a JSON form; the points of
    the reasons add up to `value` exactly. `disqualified` names the rule that set it to 0.
    """

    cents: int
    priority: Priority
    confidence: float
    stage: Stage
    parts: dict[str, float]
    reasons: list[dict[str, Any]]
    missing: list[dict[str, Any]]
    disqualified: str | None = None

    @property
    def value(self) -> float:
        """The score from 0 to 5 with 2 decimals."""
        return self.cents / 100

    def rank(self, company: Company) -> Rank:
        """Sorts the best first: of equal ones the better known, then by name.

        The order of streams/renumber_items.sql.
        """
        names = company.name_norm, company.name
        return -self.cents, -self.confidence, *names, company.id


@dataclass(frozen=True)
class Scorer:
    """Scores companies for one goal at one time; the module's docstring has the formula."""

    rubric: Rubric
    now: datetime
    stage: Stage = "full"
    required_signals: tuple[str, ...] = ()
    model: Model = MODEL

    def score(
        self,
        company: Company,
        found: Sequence[Signal] = (),
        *,
        verdicts: dict[str, Verdict] | None = None,
    ) -> Score:
        """The score of `company`, with the signals that were found.

        `verdicts` saves judging the company when the rubric did so already.
        """
        if verdicts is None:
            verdicts = self.rubric.judge(company, self.now, found)
        ruled_out = self.rubric.disqualified(company, verdicts)
        confidence = self._confidence(company, verdicts)
        if ruled_out:
            return _nothing(ruled_out, confidence, self.stage)
        case = Case.of(company, verdicts, self.field_weights, self.model, self.now)
        shares, unknown = self._shares(case, found)
        points = _points(shares, self.model)
        cents, reasons = in_cents(shares, points)
        if self.stage != "discovery":
            cents = _cap(cents, reasons, self.required_signals, found)
        missing = [_hint(name, part * points["completeness"]) for name, part in unknown.items()]
        parts = {
            name: _rounded(sum(one.value for one in of), 10_000) for name, of in shares.items()
        }
        return Score(cents, priority_of(cents), confidence, self.stage, parts, reasons, missing)

    @cached_property
    def field_weights(self) -> dict[str, float]:
        """The weight of each field of completeness under this goal."""
        return field_weights(self.rubric.weights, self.model)

    def _shares(self, case: Case, found: Sequence[Signal]) -> tuple[Shares, dict[str, float]]:
        """The parts of each component that applies, and what unknown fields would add."""
        known, unknown = completeness(case)
        shares: Shares = {}
        if case.verdicts:
            shares["criteria"] = self._criteria(case)
        shares["completeness"] = [known]
        if "enrichment" in STAGES[self.stage]:
            shares["enrichment"] = enrichment(case)
        if "signals" in STAGES[self.stage]:
            shares["signals"] = signals(found, self.model, self.now)
        return shares, unknown

    def _criteria(self, case: Case) -> list[Share]:
        weights, verdicts = self.rubric.weights, case.verdicts
        judged = sum(weights[name] for name, verdict in verdicts.items() if verdict.is_known)
        shares = []
        for name, verdict in verdicts.items():
            most = weights[name] / judged if verdict.is_known and judged else 0.0
            fact = case.company.fact(verdict.field) if verdict.field else None
            shares.append(Share(name, most * (verdict.match or 0.0), most, verdict.text, fact))
        return shares

    def _confidence(self, company: Company, verdicts: Mapping[str, Verdict]) -> float:
        weights = self.rubric.weights
        if not weights:
            return _rounded(self._trust_in_basics(company))
        known = 0.0
        for name, verdict in verdicts.items():
            if verdict.is_known:
                fact = company.fact(verdict.field) if verdict.field else None
                known += weights[name] * (trust(fact, self.model, self.now) if fact else 1.0)
        return _rounded(known / sum(weights.values()))

    def _trust_in_basics(self, company: Company) -> float:
        """What a confidence can mean without criteria: trust in three fields all goals need."""
        facts = [company.fact(name) for name in BASICS]
        return sum(trust(fact, self.model, self.now) for fact in facts if fact) / len(BASICS)


def score(
    company: Company,
    criteria: GoalCriteria | Rubric,
    *,
    now: datetime,
    stage: Stage = "full",
    found_signals: Sequence[Signal] = (),
    required_signals: Sequence[str] = (),
    model: Model = MODEL,
) -> Score:
    """The score of one company; a `Scorer` does the same for many."""
    rubric = criteria if isinstance(criteria, Rubric) else Rubric.of(criteria)
    scorer = Scorer(rubric, now, stage, tuple(required_signals), model)
    return scorer.score(company, found_signals)


def _nothing(rule: tuple[str, str], confidence: float, stage: Stage) -> Score:
    factor, text = rule
    reason = {"component": "criteria", "factor": factor, "points": 0.0, "max": 0.0, "text": text}
    return Score(0, "low", confidence, stage, {}, [reason], [], factor)


def _divisor(shares: Shares, model: Model) -> float:
    weights = sum(model.components[name] for name in shares)
    if not weights:
        raise InvalidInputError("weights: all components that apply weigh 0, so there is no score")
    return weights


def _points(shares: Shares, model: Model) -> dict[str, float]:
    """What each whole component is worth."""
    whole = _divisor(shares, model)
    return {name: MOST_POINTS * model.components[name] / whole for name in shares}


def _cap(
    cents: int, reasons: list[dict[str, Any]], required: Sequence[str], found: Sequence[Signal]
) -> int:
    missing = sorted(set(required).difference(signal.type for signal in found))
    if not missing or cents <= REQUIRED_SIGNAL_CAP_CENTS:
        return cents
    text = f"no signal of {', '.join(missing)} seen, so at most 3.99"
    over = (REQUIRED_SIGNAL_CAP_CENTS - cents) / 100
    reasons.append(
        {"component": "cap", "factor": "required_signals", "points": over, "max": 0.0, "text": text}
    )
    return REQUIRED_SIGNAL_CAP_CENTS


def _hint(name: str, points: float) -> dict[str, Any]:
    rounded = _rounded(points)
    return {"field": name, "points": rounded, "text": f"{LABELS[name]} would add {rounded:.2f}"}


def _rounded(value: float, steps: int = 100) -> float:
    # round() goes through text, which takes a quarter of the time of a score.
    return math.floor(steps * value + 0.5) / steps
