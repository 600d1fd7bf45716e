"""A company while providers are asked about it: what is believed, what is new, what changes by it.

Values and rules only; who is asked, and where it is written, is not known here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.fact_values import bearable, fitting, has_column
from oppspot_runner.companies.items import Enriched


def is_better(fact: Fact, other: Fact | None) -> bool:
    """Whether `fact` wins over `other`: more trusted, else seen later, else always the same."""
    return other is None or _rank(fact) > _rank(other)


def _rank(fact: Fact) -> tuple[Any, ...]:
    return fact.confidence, fact.observed_at, fact.source, repr(fact.value)


def newest_of_each_source(facts: Iterable[Fact]) -> list[Fact]:
    """Of each field and source the newest fact: what a source said before, it says no more."""
    newest: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        other = newest.get((fact.field, fact.source))
        if other is None or fact.observed_at >= other.observed_at:
            newest[fact.field, fact.source] = fact
    return list(newest.values())


class Dossier:
    """What is known of one company in the course of a run; `company` grows with each answer.

    It comes with all of its facts (`recorded`).
    """

    def __init__(self, company: Company) -> None:
        self.company = self.original = company
        self.enriched = Enriched(company.id)

    def lacks(self, provider: str, fields: Collection[str]) -> bool:
        """Whether a field is unknown, or known only by an earlier answer of `provider`."""
        known = [self._known(field) for field in fields]
        return any(fact is None or fact.source == provider for fact in known)

    def _known(self, field: str) -> Fact | None:
        if has_column(field) and not self.company.has(field):
            return None
        return self.company.fact(field)

    def add(self, facts: Iterable[Fact]) -> bool:
        """Takes the facts that fit their columns, or have none; whether there was any.

        A fact becomes what is believed when nothing was, when it is better than what was, or when
        the same source says something else now.
        """
        found = False
        for fact in facts:
            column = has_column(fact.field)
            value = fitting(fact.field, fact.value) if column else fact.value
            if value is None or not (column or bearable(value)):
                continue
            found = True
            self._record(fact)
            current = self._known(fact.field)
            if current is None or current.source == fact.source or is_better(fact, current):
                self._believe(replace(fact, value=value))
        return found

    def _record(self, fact: Fact) -> None:
        """Keeps a fact that is not on record yet, or was seen again since; each one once."""
        same = _statement(fact)
        new = self.enriched.facts
        seen = [
            one.observed_at
            for one in (*self.company.recorded, *new)
            if (one.field, one.source) == (fact.field, fact.source) and _statement(one) == same
        ]
        if not seen or fact.observed_at > max(seen):
            new[:] = [one for one in new if _statement(one) != same]
            new.append(fact)

    def _believe(self, fact: Fact) -> None:
        if not has_column(fact.field):
            self.company = self.company.with_values({}, {fact.field: fact})
            return
        value = fact.value
        if isinstance(value, Mapping):  # links of several sources stand beside each other
            value = {**getattr(self.company, fact.field), **value}
        self.company = self.company.with_values({fact.field: value}, {fact.field: fact})
        if value == getattr(self.original, fact.field):
            self.enriched.changes.pop(fact.field, None)
        else:
            self.enriched.changes[fact.field] = value

    def filled(self) -> set[str]:
        """The fields that were unknown and are known now."""
        columns = self.company.known_fields() - self.original.known_fields()
        others = {name for name in self.company.facts if not has_column(name)}
        return columns | others - self.original.facts.keys()


def _statement(fact: Fact) -> tuple[str, str, str]:
    """Who says what, as one row of facts: a list from JSON equals a tuple, a day its text."""
    return fact.field, fact.source, dumps(clean(fact.value))
