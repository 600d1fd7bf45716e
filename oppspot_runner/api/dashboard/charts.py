"""Bars of numbers over time, ready to be drawn: what a template turns into SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HEIGHT = 100.0
WIDTH = 10.0  # of a column
GAP = 2.0


@dataclass(frozen=True)
class Part:
    """A rectangle; `kind` gives its colour."""

    kind: str
    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """What is drawn above each other, and what it says when it is pointed at."""

    title: str
    x: float
    parts: list[Part]


@dataclass(frozen=True)
class Bars:
    """A chart `width` wide and 100 high; `most` is the value of its highest column."""

    columns: list[Column]
    width: float
    most: float


def bars(rows: Sequence[tuple[str, Mapping[str, float]]]) -> Bars:
    """A column for each row: its title, and values by kind, drawn from the bottom up."""
    most = max((sum(values.values()) for _, values in rows), default=0.0)
    columns = [
        _column(title, number * WIDTH, values, most) for number, (title, values) in enumerate(rows)
    ]
    return Bars(columns, max(len(rows), 1) * WIDTH, most)


def _column(title: str, x: float, values: Mapping[str, float], most: float) -> Column:
    parts, top = [], HEIGHT
    for kind, value in values.items():
        if value > 0:
            # A single failure among thousands is still to be seen.
            height = max(value / most * HEIGHT, 2.0)
            top = max(top - height, 0.0)
            parts.append(Part(kind, x + GAP / 2, round(top, 2), round(height, 2)))
    return Column(title, x, parts)
