"""Numbers that add up over the companies and the attempts of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from oppspot_runner.base.jsonsafe import clean


@dataclass
class Totals:
    """What came of some companies; made anew it is empty. Has a JSON form, to be kept as a step.

    A subclass adds fields that are counters, lists, or such by name. Of `counts`, `items` is how
    many companies are done, `api_calls` how many requests that took.
    """

    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)  # by code

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """The totals from their JSON form."""
        totals = cls()
        for one in fields(cls):
            empty = getattr(totals, one.name)
            setattr(totals, one.name, _read(empty, kept[one.name]))
        return totals

    def as_json(self) -> dict[str, Any]:
        """The totals as JSON values."""
        values: dict[str, Any] = clean({one.name: getattr(self, one.name) for one in fields(self)})
        return values

    def add(self, other: Self) -> None:
        """Adds what came of others."""
        for one in fields(self):
            _add(getattr(self, one.name), getattr(other, one.name))


def _read(empty: Any, kept: Any) -> Any:
    if isinstance(empty, dict) and not isinstance(empty, Counter):
        return {name: Counter(one) if isinstance(one, dict) else one for name, one in kept.items()}
    return type(empty)(kept)


def _add(mine: Any, others: Any) -> None:
    if isinstance(mine, Counter):
        mine.update(others)
    elif isinstance(mine, list):
        mine.extend(others)
    else:
        for name, value in others.items():
            if isinstance(value, Counter):
                mine.setdefault(name, Counter()).update(value)
            else:
                mine[name] = value
