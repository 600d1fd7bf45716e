"""What happened to the rows of an import: counts, and a few examples of what went wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_EXAMPLES_OF_A_REASON = 3
MOST_EXAMPLE_TEXT = 120  # characters


@dataclass(frozen=True)
class Example:
    """A row that was left out: its line (or its number), why, and how it begins."""

    line: int
    reason: str
    text: str


@dataclass
class Tally:
    """Counts of one import. `skipped` rows are not imported, `repaired` ones are, in part.

    `read` = inserted + updated + unchanged + the sum of `skipped`, when the import has ended.
    """

    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    def skip(self, reason: str, line: int, text: object = "") -> None:
        """Counts a row that is left out."""
        self.skipped[reason] += 1
        if self.skipped[reason] <= MOST_EXAMPLES_OF_A_REASON:
            shown = " ".join(str(text)[: 4 * MOST_EXAMPLE_TEXT].split())[:MOST_EXAMPLE_TEXT]
            self.examples.append(Example(line, reason, shown))

    def leave_out(self, reason: str) -> None:
        """Counts a row that nobody asked for; it is no example of anything wrong."""
        self.skipped[reason] += 1

    def repair(self, reason: str) -> None:
        """Counts a value that was changed or left out while its row is kept."""
        self.repaired[reason] += 1


@dataclass(frozen=True)
class ImportReport:
    """The end of an import. `skipped` and `repaired` count by reason.

    `merged` counts those of the inserted that another source knew, `facts` the new values.

    After a `dry_run` nothing of it was written.
    """

    source: str
    read: int
    inserted: int
    updated: int
    unchanged: int
    merged: int
    skipped: dict[str, int]
    repaired: dict[str, int]
    examples: list[Example]
    facts: int
    dry_run: bool
    seconds: float
    rows_per_s: int

    def to_json(self) -> dict[str, Any]:
        """The report as JSON would have it."""
        return asdict(self)
