"""How much each measure does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts of rows and samples, and seconds; the defaults are what the documents quote."""

    tasks: int = 40_000  # of a drain at high concurrency
    tasks_at_three: int = 10_000  # of a drain at concurrency 3
    starts: int = 100  # inserts into an idle system, each round


QUICK = Sizes(tasks=10_000, tasks_at_three=2_000, starts=50)
FULL = Sizes()
