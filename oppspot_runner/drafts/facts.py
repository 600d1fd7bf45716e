"""Makes the facts of a sheet: what is known of a company, sure enough and not too old."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from oppspot_runner.companies.company import Company
from oppspot_runner.companies.countries import country_name
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.companies.scoring_model import HALF_LIFE_DAYS
from oppspot_runner.companies.scoring_parts import Signal
from oppspot_runner.drafts.language import Language
from oppspot_runner.drafts.sheet import MOST_TEXT, Fact, bare
from oppspot_runner.drafts.tokens import SENTENCE, keys_of

LEAST_CONFIDENCE = 0.6
MOST_FACTS = 12
LEAST_DESCRIPTION = 4  # words
MOST_LABELS = 6  # industries, technologies
HALF_LIVES = 4  # so old a signal may be
HALF_LIFE_DAY = 30.0  # of types that have none of their own

ROLE_END = re.compile(r"\s*[,(/|]|\s[-–—]\s")  # what follows a job's title: place, sex, team
YEAR = timedelta(days=365)
# How long what is known of a field may be told.
TTLS: Mapping[str, timedelta] = {
    "employees": 1.5 * YEAR,
    "employees_band": 1.5 * YEAR,
    "tech": timedelta(days=120),
    "industries": 2 * YEAR,
    "town": 2 * YEAR,
    "country": 2 * YEAR,
    "incorporated": 100 * YEAR,
    "founded_year": 100 * YEAR,
    "description": YEAR,
}
# Fields of which the second is told where the first is not known.
INSTEAD = {"employees_band": "employees", "founded_year": "incorporated", "country": "town"}
# Which fields a factor of the score is about.
FACTORS: Mapping[str, tuple[str, ...]] = {
    "employee_count": ("employees", "employees_band"),
    "industry": ("industries",),
    "sic_codes": ("industries",),
    "location": ("town", "country"),
    "tech_stack": ("tech",),
    "keywords": ("description",),
    "company_age_years": ("incorporated", "founded_year"),
}


@dataclass(frozen=True)
class Evidence:
    """What is known of a company at a time: its facts, its active signals, why it has its score.

    `pages` says by their titles where signals can be read.
    """

    company: Company
    signals: Sequence[Signal]
    reasons: Sequence[Mapping[str, Any]]
    now: datetime
    pages: Mapping[str, str] = field(default_factory=dict)


def short_name(name: str) -> str:
    """A company's name as people say it: without its legal form."""
    whole, words = normalise_name(name), bare(name, 200).split()
    while len(words) > 1 and normalise_name(" ".join(words[:-1])) == whole:
        words = words[:-1]
    return " ".join(words).rstrip(" ,(")


def names_of(company: Company) -> tuple[str, ...]:
    """The ways in which the company may be called."""
    names = (bare(company.name, 200), short_name(company.name))
    return tuple(dict.fromkeys(name for name in names if keys_of(name)))


def facts_of(
    evidence: Evidence, known: Language, most: int | None = MOST_FACTS
) -> tuple[Fact, ...]:
    """The facts that a draft may hold: news first, then what counted most for the score."""
    reasons = {str(one.get("factor")): one for one in evidence.reasons}
    points = {
        field: float(reasons[factor].get("points") or 0)
        for factor, fields in FACTORS.items()
        if factor in reasons
        for field in fields
    }
    stated = sorted(_stated(evidence, known), key=lambda fact: -points.get(fact.kind, 0.0))
    found = [*_news(evidence), *stated][:most]
    return tuple(
        fact.model_copy(update={"id": f"F{number}", "why": _why(fact.kind, reasons)})
        for number, fact in enumerate(found, 1)
    )


def _why(kind: str, reasons: Mapping[str, Mapping[str, Any]]) -> str | None:
    for factor in (kind, *(name for name, fields in FACTORS.items() if kind in fields)):
        if factor in reasons:
            return str(reasons[factor].get("text") or "") or None
    return None


def _news(evidence: Evidence) -> Iterator[Fact]:
    """Signals, the one that says most now first."""
    now = evidence.now

    def weight(signal: Signal) -> float:
        age_days = (now - signal.occurred_at).total_seconds() / 86_400
        half_life = HALF_LIFE_DAYS.get(signal.type, HALF_LIFE_DAY)
        return float(signal.strength * signal.confidence * 2 ** (-age_days / half_life))

    for signal in sorted(evidence.signals, key=lambda one: (-weight(one), one.text)):
        life = timedelta(days=HALF_LIVES * HALF_LIFE_DAYS.get(signal.type, HALF_LIFE_DAY))
        text, names = _title(signal)
        if signal.confidence < LEAST_CONFIDENCE or now > signal.occurred_at + life or not text:
            continue
        yield Fact(
            id="",
            kind=signal.type,
            text=text,
            names=names,
            day=signal.occurred_at.astimezone(UTC).date(),
            quoted=True,
            source=signal.source,
            source_url=evidence.pages.get(signal.text),
            confidence=signal.confidence,
            observed_at=signal.occurred_at,
            good_until=signal.occurred_at + life,
        )


def _title(signal: Signal) -> tuple[str, tuple[str, ...]]:
    """What a signal is told by, and the names in it: of a job its title, without "New job: "."""
    text = bare(signal.text)
    if signal.type != "job_posting":
        return text, ()
    job = text.rpartition(": ")[2]
    return job, (ROLE_END.split(job)[0].strip(),)


def _stated(evidence: Evidence, known: Language) -> Iterator[Fact]:
    company, name = evidence.company, short_name(evidence.company.name)
    said: set[str] = set()
    for kind, ttl in TTLS.items():
        fact = company.fact(kind)
        if fact is None or fact.value is None or INSTEAD.get(kind) in said:
            continue
        names, day = _values(kind, getattr(company, kind))
        good_until = fact.observed_at + ttl
        if not names or fact.confidence < LEAST_CONFIDENCE or evidence.now > good_until:
            continue
        said.add(kind)
        quoted = kind == "description"
        value = known.joined(names) if day is None else known.written(day)
        yield Fact(
            id="",
            kind=kind,
            text=known.facts[kind].format(company=name, value=value),
            names=() if quoted or day or kind == "employees" else names,
            day=day,
            quoted=quoted,
            source=fact.source,
            source_url=fact.source_url,
            confidence=fact.confidence,
            observed_at=fact.observed_at,
            good_until=good_until,
        )


def _values(kind: str, value: Any) -> tuple[tuple[str, ...], date | None]:
    """The values of a field as words, and as a day where it is one."""
    if isinstance(value, date):
        return (value.isoformat(),), value
    shown: Callable[[Any], str] = country_name if kind == "country" else str
    if kind == "description":
        return _first_sentence(value), None
    listed = list(value)[:MOST_LABELS] if isinstance(value, list | tuple) else [value]
    texts = (bare(shown(one), 100) for one in listed if one is not None)
    return tuple(text for text in texts if keys_of(text)), None


def _first_sentence(text: Any) -> tuple[str, ...]:
    first = SENTENCE.split(bare(str(text or ""), 4 * MOST_TEXT))[0].strip()
    is_sentence = len(first.split()) >= LEAST_DESCRIPTION and len(first) <= MOST_TEXT
    return (first,) if is_sentence else ()
