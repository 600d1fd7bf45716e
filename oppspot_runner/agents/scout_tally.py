"""What came of looking at companies, in numbers that add up over a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from oppspot_runner.agents.totals import Totals
from oppspot_runner.signals.looks import Failure, SavedLooks
from oppspot_runner.signals.sighting import Look


@dataclass
class ScoutTally(Totals):
    """`by_type` and `by_source` count what was seen, `by_watcher` how looks ended.

    `begun` are companies of which somebody who is due is still to be asked, and somebody was.
    """

    by_type: Counter[str] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    by_watcher: dict[str, Counter[str]] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)

    def looked(self, watcher: str, look: Look | Failure | None) -> None:
        """Counts how a look ended, and what it saw."""
        end = "not_found"
        if isinstance(look, Failure):
            end = "error"
            self.errors[look.code] += 1
        elif look is not None:
            end = "ok" if look.found else "gone"
            self.by_type.update(one.signal_type for one in look.sightings)
            self.by_source.update(one.source for one in look.sightings)
        self.by_watcher.setdefault(watcher, Counter())[end] += 1

    def saved(self, saved: SavedLooks) -> None:
        """Counts what changed, but for what is new: that is asked for in the end."""
        self.counts["refreshed"] += saved.refreshed
        self.counts["below_threshold"] += saved.below_threshold
        self.counts["postings_closed"] += saved.closed

    @property
    def answered(self) -> bool:
        """Whether any look did more than fail."""
        return any(ends.keys() - {"error"} for ends in self.by_watcher.values())
