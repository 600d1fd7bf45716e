"""The three components of the score beside the criteria: completeness, enrichment, signals.

Each gives shares of [0, 1] that `scoring` turns into points.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.scoring_model import COMPLETENESS_FIELDS, Model
from oppspot_runner.companies.scoring_verdict import Verdict

# Which columns make up a field of completeness.
SOURCES = {
    "name": ("name",),
    "website": ("website", "domain"),
    "description": ("description",),
    "industry": ("industries", "sic_codes"),
    "employee_count": ("employees", "employees_band"),
    "region": ("region", "town", "country"),
    "linkedin_url": ("linkedin_url",),
    "phone": ("phone",),
    "email": ("email",),
}
LABELS = {
    "name": "a name",
    "website": "a website",
    "description": "a description",
    "industry": "an industry",
    "employee_count": "a head count",
    "region": "a location",
    "linkedin_url": "a LinkedIn page",
    "phone": "a phone number",
    "email": "an e-mail address",
}
# Which columns show that a kind of source has answered.
GROUPS = {
    "register": ("company_number", "incorporated"),
    "web": ("website", "domain", "tech"),
    "employees": ("employees", "employees_band"),
    "social": ("linkedin_url", "links"),
}
# Which fields of completeness, and columns of a group, a criterion judges.
JUDGES_OF: Mapping[str, tuple[str, ...]] = {
    "industry": ("industry",),
    "sic_codes": ("industry",),
    "employee_count": ("employee_count", "employees", "employees_band"),
    "location": ("region",),
    "keywords": ("description",),
    "company_age_years": ("incorporated",),
    "tech_stack": ("tech",),
}
# What the best signals of a type count, the best first: further ones say much of the same, and a
# board with 80 jobs must leave room for what else happens.
OF_A_TYPE = (1.0, 0.5, 0.25)
STRENGTHS = {"very_strong": 1.0, "strong": 0.75, "moderate": 0.5, "weak": 0.25}
NEARLY_ONE = 1 - 1e-9  # a certain signal has no finite share otherwise


class Share(NamedTuple):
    """A part of a component: `value` of at most `most`, both in shares of the component."""

    factor: str
    value: float
    most: float
    text: str
    fact: Fact | None = None


NO_SIGNALS = [Share("none", 0.0, 1.0, "no buying signal seen yet")]


@dataclass(frozen=True, slots=True)
class Signal:
    """A buying signal. `strength`, `confidence` and `fit` are 0 to 1."""

    type: str
    strength: float
    confidence: float
    occurred_at: datetime
    source: str = ""
    text: str = ""
    fit: float = 1.0

    def as_fact(self) -> Fact:
        """Who told of it, how surely, and when it happened."""
        return Fact(self.type, self.text, self.source, self.confidence, self.occurred_at)


@dataclass(slots=True)
class Case:
    """One company on its way to a score. `weights` are those of the fields of completeness."""

    company: Company
    verdicts: Mapping[str, Verdict]
    weights: Mapping[str, float]
    model: Model
    now: datetime
    known: set[str]
    misfits: dict[str, float]

    @classmethod
    def of(
        cls,
        company: Company,
        verdicts: Mapping[str, Verdict],
        weights: Mapping[str, float],
        model: Model,
        now: datetime,
    ) -> Case:
        """The case of `company`, with what is known of it and what speaks against it."""
        misfits: dict[str, float] = {}
        for name, verdict in verdicts.items():
            if verdict.match is not None and not verdict.fits:
                for field in JUDGES_OF.get(name, ()):
                    misfits[field] = min(verdict.match, misfits.get(field, 1.0))
        return cls(company, verdicts, weights, model, now, company.known_fields(), misfits)

    def worth(self, field: str) -> float:
        """What knowing `field` counts: 1, or less when a criterion that judges it is not met.

        Knowing that a company does not fit must not score more than not knowing.
        """
        return self.misfits.get(field, 1.0)


def field_weights(criteria: Collection[str], model: Model) -> dict[str, float]:
    """The weight of each field of completeness; fields that a set criterion judges weigh more."""
    asked = {field for name in criteria for field in JUDGES_OF.get(name, ())}
    return {
        name: model.fields.get(name, model.asked if name in asked else 1.0)
        for name in COMPLETENESS_FIELDS
    }


def completeness(case: Case) -> tuple[Share, dict[str, float]]:
    """The one share of completeness, and what each unknown field would add to it."""
    total = sum(case.weights.values())
    if not total:
        return Share("fields", 0.0, 1.0, "no field has a weight"), {}
    value, unknown = 0.0, {}
    for name, weight in case.weights.items():
        if case.known.isdisjoint(SOURCES[name]):
            unknown[name] = weight / total
        else:
            value += weight * case.worth(name)
    text = f"{len(case.weights) - len(unknown)} of {len(case.weights)} fields known"
    if unknown:
        text += ", not " + ", ".join(LABELS[name].split(" ", 1)[1] for name in unknown)
    return Share("fields", value / total, 1.0, text), unknown


def enrichment(case: Case) -> list[Share]:
    """A quarter for each group of sources: trust in its best fact, halved every 90 days."""
    shares = []
    for group, columns in GROUPS.items():
        best, fact = 0.0, None
        for column in columns:
            found = case.company.fact(column) if column in case.known else None
            if found is None:
                continue
            value = trust(found, case.model, case.now) * case.worth(column)
            if fact is None or value > best:
                best, fact = value, found
        text = f"{fact.field} from {fact.source}" if fact else "nothing known"
        shares.append(Share(group, best / len(GROUPS), 1 / len(GROUPS), text, fact))
    return shares


def trust(fact: Fact, model: Model, now: datetime) -> float:
    """Confidence in a fact, halved every 90 days of its age."""
    age = fact.age_days(now)
    decay: float = 2.0 ** (-age / model.fact_half_life_days)
    return fact.confidence * decay


def signal_from_row(row: Sequence[Any]) -> Signal:
    """A signal from [type, strength, confidence in percent, Unix time, sources, title]."""
    kind, strength, confidence, seconds, sources, title = row
    return Signal(
        kind,
        STRENGTHS[strength],
        confidence / 100,
        datetime.fromtimestamp(seconds, UTC),
        sources,
        title,
    )


def signals(found: Sequence[Signal], model: Model, now: datetime) -> list[Share]:
    """Shares of 1 - product of (1 - strength x confidence x decay x fit x rank).

    More evidence never lowers the sum. `rank` is OF_A_TYPE: no more than three of each type count.
    """
    if not found:
        return NO_SIGNALS
    by_type: dict[str, list[tuple[float, Signal]]] = {}
    for signal in found:
        by_type.setdefault(signal.type, []).append((_effect(signal, model, now), signal))
    kept = [
        (effect * rank, signal)
        for name in sorted(by_type)
        for rank, (effect, signal) in zip(
            OF_A_TYPE, sorted(by_type[name], key=_best_first), strict=False
        )
    ]
    total = 1 - math.prod(1 - effect for effect, _ in kept)
    # The product's logarithm is a sum, so each signal has its part of the whole.
    parts = [-math.log1p(-min(effect, NEARLY_ONE)) for effect, _ in kept]
    whole = sum(parts) or 1.0
    return [
        Share(signal.type, total * part / whole, 1.0, signal.text or signal.type, signal.as_fact())
        for part, (_, signal) in zip(parts, kept, strict=True)
    ]


def _effect(signal: Signal, model: Model, now: datetime) -> float:
    half_life = model.signal_half_life_days.get(signal.type, model.default_half_life_days)
    age = max(0, (now - signal.occurred_at).days)
    decay: float = 2.0 ** (-age / half_life)
    effect = signal.strength * signal.confidence * signal.fit * decay
    return min(1.0, max(0.0, effect))


def _best_first(pair: tuple[float, Signal]) -> tuple[float, str, str]:
    effect, signal = pair
    return -effect, signal.source, signal.text
