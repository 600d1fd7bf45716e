"""What goes into the table of signals and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from oppspot_runner.signals.sighting import Strength


@dataclass(frozen=True, slots=True)
class Failure:
    """A look that failed, with the code of its error: it says nothing about the company."""

    code: str


@dataclass(frozen=True, slots=True)
class DueLook:
    """A company and the watchers that should look at it."""

    company_id: UUID
    watchers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewSignal:
    """A signal that counts from now on. `confidence` is 0 to 100."""

    id: UUID
    company_id: UUID
    company_name: str
    signal_type: str
    strength: Strength
    confidence: int
    title: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class SavedLooks:
    """What looks at one company changed.

    `refreshed` counts signals that were known and are still to be seen, `below_threshold` those
    that are seen and not sure enough, `closed` the jobs that are offered no more.
    """

    new: tuple[NewSignal, ...] = ()
    refreshed: int = 0
    below_threshold: int = 0
    closed: int = 0
