"""Attempts over time, ready to be drawn: a row for each agent, a bar for each attempt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from oppspot_runner.api.reads.graph import Node, NodeAttempt
from oppspot_runner.base.wording import span

WIDTH = 1000.0
LEAST = 4.0  # so that what took a moment is still to be seen
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)
MOST_MARKS = 6


@dataclass(frozen=True)
class Bar:
    """An attempt; `x` and `width` of WIDTH."""

    status: str
    x: float
    width: float
    title: str


@dataclass(frozen=True)
class Lane:
    """The attempts of an agent, and how long it waited between them: from where to where."""

    name: str
    bars: tuple[Bar, ...]
    waits: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Waterfall:
    """Lanes, and the marks of the axis: how far along, and what it says."""

    lanes: tuple[Lane, ...]
    marks: tuple[tuple[float, str], ...]


def waterfall(nodes: Sequence[Node], start: datetime, now: datetime) -> Waterfall | None:
    """The attempts of a run that began at `start`; None for none."""
    ends = [one.finished_at or now for node in nodes for one in node.attempts if one.started_at]
    axis = _Axis(start, max(ends, default=now))
    lanes = tuple(
        _lane(node, axis) for node in nodes if any(one.started_at for one in node.attempts)
    )
    return Waterfall(lanes, tuple(axis.marks())) if lanes else None


def _lane(node: Node, axis: _Axis) -> Lane:
    bars = [_bar(one, axis) for one in node.attempts if one.started_at is not None]
    waits = [
        (one.x + one.width, other.x) for one, other in pairwise(bars) if other.x > one.x + one.width
    ]
    return Lane(node.name, tuple(bars), tuple(waits))


def _bar(attempt: NodeAttempt, axis: _Axis) -> Bar:
    assert attempt.started_at is not None
    stop = attempt.finished_at or axis.end
    x = min(axis.x(attempt.started_at), WIDTH - LEAST)
    took = span(max((stop - attempt.started_at).total_seconds(), 0))
    error = f": {attempt.error}" if attempt.error else ""
    title = f"attempt {attempt.attempt} {attempt.status}, {took}{error}"
    return Bar(attempt.status, x, round(max(axis.x(stop) - x, LEAST), 1), title)


@dataclass(frozen=True)
class _Axis:
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return max((self.end - self.start).total_seconds(), 0.001)

    def x(self, at: datetime) -> float:
        share = (at - self.start).total_seconds() / self.seconds
        return round(min(max(share, 0.0), 1.0) * WIDTH, 1)

    def marks(self) -> Iterator[tuple[float, str]]:
        step: float = next(
            (one for one in STEPS if self.seconds / one <= MOST_MARKS), self.seconds / MOST_MARKS
        )
        at = 0.0
        while at <= self.seconds:
            yield round(at / self.seconds * WIDTH, 1), span(at) if at else "0"
            at += step
