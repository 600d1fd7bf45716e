"""What came of an enrichment, in numbers that add up over its companies and its attempts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oppspot_runner.companies.enriching import Dossier
from oppspot_runner.companies.scoring_criteria import DEAD
from oppspot_runner.companies.scoring_sets import label_key

CLOSED = frozenset(map(label_key, DEAD))


@dataclass
class Tally:
    """What came of asking about some companies, in numbers that add up over a run."""

    counts: Counter[str] = field(default_factory=Counter)
    fields_filled: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    by_provider: dict[str, Counter[str]] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)  # companies that closed since
    # Companies of which somebody who is due is still to be asked; whether anybody had an answer.
    begun: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Tally:
        """A tally from its JSON form."""
        return cls(
            Counter(kept["counts"]),
            Counter(kept["fields_filled"]),
            Counter(kept["errors"]),
            {name: Counter(counts) for name, counts in kept["by_provider"].items()},
            list(kept["closed"]),
            dict(kept["begun"]),
        )

    def as_json(self) -> dict[str, Any]:
        """The tally as JSON values."""
        return {
            "counts": dict(self.counts),
            "fields_filled": dict(self.fields_filled),
            "errors": dict(self.errors),
            "by_provider": {name: dict(counts) for name, counts in self.by_provider.items()},
            "closed": list(self.closed),
            "begun": dict(self.begun),
        }

    def note(self, provider: str, outcome: str) -> None:
        """Counts how a provider answered."""
        self.by_provider.setdefault(provider, Counter())[outcome] += 1

    def looked_at(self, dossier: Dossier, *, whole: bool, before: bool | None) -> None:
        """Counts a company; `whole` once everybody who was due was asked about it.

        `before` is whether somebody had an answer when it was begun, None for a new one.
        """
        one, company_id = dossier.enriched, str(dossier.enriched.company_id)
        answered = bool(before) or "ok" in one.outcomes.values()
        self.counts["facts"] += len(one.facts)
        self.counts["changed"] += bool(one.changes)
        self.counts["enriched"] += answered and not before
        self.fields_filled.update(dossier.filled())
        status = one.changes.get("status")
        if status and label_key(status) in CLOSED:
            self.closed.append(company_id)
        if whole:
            self.counts["items"] += 1
        else:
            self.begun[company_id] = answered

    def add(self, other: Tally) -> None:
        """Adds what came of others."""
        self.counts.update(other.counts)
        self.fields_filled.update(other.fields_filled)
        self.errors.update(other.errors)
        for name, counts in other.by_provider.items():
            self.by_provider.setdefault(name, Counter()).update(counts)
        self.closed += other.closed
        self.begun |= other.begun

    @property
    def answered(self) -> bool:
        """Whether any provider did more than fail."""
        return any(one.keys() - {"error"} for one in self.by_provider.values())
