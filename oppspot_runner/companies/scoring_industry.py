"""Judges the industry of a company against wanted labels such as SaaS, by the industry table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from oppspot_runner.companies.company import Company
from oppspot_runner.companies.industries import Evidence, IndustryTable
from oppspot_runner.companies.scoring_sets import shown
from oppspot_runner.companies.scoring_verdict import Verdict

# SIC codes that were only concluded from labels are no second witness for those labels.
CONCLUDED = "industry_table"
MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class IndustryLabels:
    """Any of the wanted labels; the best evidence counts."""

    wanted: tuple[str, ...]
    table: IndustryTable
    _known: dict[tuple[tuple[str, ...], tuple[str, ...]], Evidence | None] = field(
        default_factory=dict, repr=False, compare=False
    )

    def judge(self, company: Company, now: datetime) -> Verdict:
        sic_codes = stated_sic_codes(company)
        best = self._remembered(company, sic_codes)
        if best is None or best.score is None:
            return Verdict(None, "industry not known")
        decided_by = _deciding_field(best, company)
        if best.score == 0:
            known = shown([*company.industries, *(f"SIC {code}" for code in sic_codes)])
            return Verdict(0.0, f"{known}, wanted {shown(self.wanted)}", decided_by)
        return Verdict(best.score, f"{best.label} by {_witnesses(best)}", decided_by, fits=True)

    def _remembered(self, company: Company, sic_codes: tuple[str, ...]) -> Evidence | None:
        """Many companies share their labels; those without any are judged by their text."""
        key = (company.industries, sic_codes)
        if not company.industries:
            return self._best(company, sic_codes)
        if key not in self._known and len(self._known) < MOST_REMEMBERED:
            self._known[key] = self._best(company, sic_codes)
        return self._known[key] if key in self._known else self._best(company, sic_codes)

    def _best(self, company: Company, sic_codes: Sequence[str]) -> Evidence | None:
        best: Evidence | None = None
        for label in self.wanted:
            found = self.table.evidence(label, company.industries, sic_codes, company.description)
            if found.score is None:
                continue
            if best is None or best.score is None or found.score > best.score:
                best = found
        return best


def stated_sic_codes(company: Company) -> tuple[str, ...]:
    """The company's SIC codes, unless they were concluded from labels that stand beside them."""
    fact = company.facts.get("sic_codes") if company.industries else None
    return () if fact is not None and fact.source == CONCLUDED else company.sic_codes


def _witnesses(found: Evidence) -> str:
    named = [("SIC", found.sic), ("tag", found.tag), ("the word", found.keyword)]
    return " and ".join(f"{kind} {value}" for kind, value in named if value)


def _deciding_field(found: Evidence, company: Company) -> str:
    if found.tag:
        return "industries"
    if found.sic:
        return "sic_codes"
    if found.keyword:
        return "description"
    return "industries" if company.industries else "sic_codes"
