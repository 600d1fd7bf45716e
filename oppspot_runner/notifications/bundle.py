"""Many events as one message: how many, the first few, and what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oppspot_runner.notifications.rules import Happening

MOST_EXAMPLES = 5
MOST_SHARES = 50  # different values of one fact that are counted
REST = ""  # what all others are counted under
COUNTED = ("agent", "fingerprint", "task_type", "stream", "host", "budget", "run")


@dataclass
class Bundle:
    """What was gathered for a rule. `shares` says how often each fact had each value."""

    first_at: datetime
    last_at: datetime
    count: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    shares: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, happening: Happening) -> None:
        """Takes one event in."""
        self.count += 1
        self.first_at = min(self.first_at, happening.at)
        self.last_at = max(self.last_at, happening.at)
        if len(self.examples) < MOST_EXAMPLES:
            told = {"at": happening.at.isoformat(), "event": happening.event}
            self.examples.append({**told, **happening.facts})
        for fact in COUNTED:
            if fact in happening.facts:
                self._count(fact, str(happening.facts[fact]))

    def _count(self, fact: str, value: str) -> None:
        share = self.shares.setdefault(fact, {})
        if value not in share and len(share) >= MOST_SHARES:
            value = REST
        share[value] = share.get(value, 0) + 1

    def common(self) -> Mapping[str, str]:
        """The facts that all of them have with one and the same value."""
        return {
            fact: value
            for fact, share in self.shares.items()
            for value, count in share.items()
            if value != REST and count == self.count
        }
