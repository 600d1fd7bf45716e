"""What a measure is: a name, what it asks, how it is run, and the bounds its figures must keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from benchmarks.bench import Bench

Figures = dict[str, float]


class Verdict(Enum):
    """What became of a bound."""

    KEPT = "ok"
    BROKEN = "MISSED"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class Bound:
    """What a figure must be at least, or at most."""

    figure: str
    at_least: float | None = None
    at_most: float | None = None

    def judge(self, figures: Figures) -> Verdict:
        """Whether `figures` keep it."""
        value = figures.get(self.figure)
        if value is None:
            return Verdict.UNKNOWN
        high_enough = self.at_least is None or value >= self.at_least
        low_enough = self.at_most is None or value <= self.at_most
        return Verdict.KEPT if high_enough and low_enough else Verdict.BROKEN

    def __str__(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return f"<= {self.at_most:g}"


@dataclass
class Outcome:
    """What a measure found: figures, the samples they come from, and what could not be done."""

    figures: Figures = field(default_factory=dict)
    samples: dict[str, list[float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Measure:
    """One row of the table, or a few."""

    name: str
    what: str
    run: Callable[[Bench], Outcome]
    bounds: tuple[Bound, ...] = ()
