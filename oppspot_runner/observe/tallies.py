"""Numbers that only grow, kept in plain dictionaries: a hot path adds to them, a scrape reads them.

The library for metrics takes a lock and several calls for each number. Here an end of a task costs
about a microsecond, whoever asks for the numbers and however often.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

Labels = tuple[str, ...]

# Seconds. From a task that does nothing to one at the time limit.
BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 1800.0)
BUCKETS_MS = tuple(round(end * 1000) for end in BUCKETS)
OTHER = "other"


def empty_counts() -> list[int]:
    """A count of nothing for each bucket, and for what is beyond the last."""
    return [0] * (len(BUCKETS) + 1)


@dataclass
class Counter:
    """Sums by labels. Beyond `most` different labels new ones are counted together."""

    most: int = 500
    sums: dict[Labels, float] = field(default_factory=dict)

    def add(self, labels: Labels, amount: float = 1) -> None:
        """Adds `amount` to what has these labels."""
        try:
            self.sums[labels] += amount
        except KeyError:
            self._begin(labels, amount)

    def _begin(self, labels: Labels, amount: float) -> None:
        kept = labels if len(self.sums) < self.most else (OTHER,) * len(labels)
        self.sums[kept] = self.sums.get(kept, 0.0) + amount


@dataclass
class Distribution:
    """How many values fell into each bucket, the last one without an end; and their sum."""

    counts: list[int] = field(default_factory=empty_counts)
    total: float = 0.0

    def add(self, value: float) -> None:
        """Counts a value, in seconds."""
        self.counts[bisect_left(BUCKETS, value)] += 1
        self.total += value

    def merge(self, other: Distribution) -> None:
        """Adds all values of another one."""
        self.counts = [own + more for own, more in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def cumulative(self) -> Iterator[tuple[str, float]]:
        """The buckets as Prometheus has them: each counts what is below its end."""
        below = 0
        for end, count in zip((*map(str, BUCKETS), "+Inf"), self.counts, strict=True):
            below += count
            yield end, below


@dataclass
class Histogram:
    """Distributions by labels, as many as a counter has sums."""

    most: int = 200
    by_labels: dict[Labels, Distribution] = field(default_factory=dict)

    def of(self, labels: Labels) -> Distribution:
        """The distribution with these labels."""
        found = self.by_labels.get(labels)
        if found is None:
            kept = labels if len(self.by_labels) < self.most else (OTHER,) * len(labels)
            found = self.by_labels.setdefault(kept, Distribution())
        return found
