"""Alternated rounds (A B C A B C ...), so that what else the machine does meets everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median

from benchmarks.measure import Figures, Outcome


def alternate(rounds: int, turns: Mapping[str, Callable[[], Figures]]) -> Outcome:
    """Takes every turn once in each round: medians of the figures, named `turn: figure`.

    A turn that fails is a problem of the outcome and is not taken again.
    """
    outcome = Outcome()
    left = dict(turns)
    for _ in range(rounds):
        for name, turn in list(left.items()):
            try:
                figures = turn()
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                outcome.problems.append(f"{name}: {reason(error)}")
                del left[name]
                continue
            for figure, value in figures.items():
                outcome.samples.setdefault(f"{name}: {figure}", []).append(value)
    outcome.figures = {name: median(values) for name, values in outcome.samples.items()}
    return outcome


def reason(error: Exception) -> str:
    """What went wrong, in one line."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def compare(outcome: Outcome, name: str, above: str, below: str) -> None:
    """Adds the median of the ratios of two figures, round by round, if both were measured."""
    pairs = zip(outcome.samples.get(above, []), outcome.samples.get(below, []), strict=False)
    ratios = [one / other for one, other in pairs]
    if ratios:
        outcome.samples[name] = ratios
        outcome.figures[name] = median(ratios)
