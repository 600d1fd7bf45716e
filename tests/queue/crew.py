"""Runners as the model sees them: who holds a lease, who looks dead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LEASE_S = 30.0
BEAT_S = 5.0
SUSPECT_S = BEAT_S * 1.2  # a heart that missed a beat, and a little patience


@dataclass
class Runner:
    id: int
    types: tuple[str, ...]
    beat_at: datetime
    lease_until: datetime
    shows_lock: bool = False
    holds_lock: bool = False

    @property
    def suspect_at(self) -> datetime | None:
        """When it may be judged by its lock, which its session lost; None: it is not lost."""
        lost = self.shows_lock and not self.holds_lock
        return self.beat_at + timedelta(seconds=SUSPECT_S) if lost else None

    def is_dead(self, now: datetime) -> bool:
        return self.lease_until <= now or (self.suspect_at is not None and self.suspect_at <= now)

    def beat(self, now: datetime) -> bool:
        """Renews the lease; False when it is too late for that."""
        if self.lease_until <= now:
            return False
        self.beat_at, self.lease_until = now, now + timedelta(seconds=LEASE_S)
        return True

    def depose(self, now: datetime) -> None:
        self.lease_until = min(self.lease_until, now)
