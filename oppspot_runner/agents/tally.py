"""What came of an enrichment, in numbers that add up over its companies and its attempts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from oppspot_runner.agents.totals import Totals
from oppspot_runner.companies.enriching import Dossier
from oppspot_runner.companies.scoring_criteria import DEAD
from oppspot_runner.companies.scoring_sets import label_key

CLOSED = frozenset(map(label_key, DEAD))


@dataclass
class Tally(Totals):
    """What came of asking about some companies."""

    fields_filled: Counter[str] = field(default_factory=Counter)
    by_provider: dict[str, Counter[str]] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)  # companies that closed since
    # Companies of which somebody who is due is still to be asked; whether anybody had an answer.
    begun: dict[str, bool] = field(default_factory=dict)

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

    @property
    def answered(self) -> bool:
        """Whether any provider did more than fail."""
        return any(one.keys() - {"error"} for one in self.by_provider.values())
