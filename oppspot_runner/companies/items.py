"""The values that travel between agents and the rows of a stream: found, scored, enriched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from oppspot_runner.base.jsonsafe import dumps
from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.scoring import Score
from oppspot_runner.companies.scoring_parts import Signal

Outcome = Literal["ok", "not_found", "error", "cached"]


@dataclass(frozen=True, slots=True)
class ScoredCompany:
    """A company that was found for a stream, with the score it has at first sight."""

    company: Company
    score: Score


@dataclass(frozen=True, slots=True)
class Item:
    """A company in a stream, with the signals that count now.

    `cents` and `parts` are its score so far, None without one.
    """

    id: UUID
    company: Company
    cents: int | None
    parts: Mapping[str, float] | None
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class DueCompany:
    """A company of a stream and the providers that should be asked about it."""

    company_id: UUID
    providers: tuple[str, ...]


@dataclass(slots=True)
class Enriched:
    """What providers said about one company.

    `facts` are new statements, `changes` the columns that get another value by them, `outcomes`
    how each provider that was due answered.
    """

    company_id: UUID
    facts: list[Fact] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of `items` companies have each field of completeness."""

    items: int
    fields: Mapping[str, int]

    @property
    def share(self) -> float:
        """The mean over all fields and companies, 0 to 1 with 4 decimals."""
        whole = self.items * len(self.fields)
        return round(sum(self.fields.values()) / whole, 4) if whole else 0.0


def score_row(row_id: UUID, score: Score, **more: Any) -> str:
    """A score as a JSON object for the statement that writes it; `more` are further keys.

    Written at once, because ten thousand scores with all their reasons are many small objects.
    """
    return dumps(
        {
            "id": str(row_id),
            "score": score.value,
            "confidence": score.confidence,
            "priority": score.priority,
            "parts": score.parts,
            "reasons": score.reasons,
            "missing": score.missing,
            **more,
        }
    )
