"""Buying signals."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from oppspot_runner.api.values import ShownObject
from oppspot_runner.signals.merging import Status


class SignalBody(BaseModel):
    """An event at a company that says that now is the time to speak to it."""

    id: UUID
    org_id: UUID | None
    company_id: UUID
    company: str
    signal_type: str
    strength: str
    confidence: int
    title: str
    sources: list[str]
    status: Status
    occurred_at: datetime
    detected_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None


class Sighting(BaseModel):
    """What one source tells of a signal."""

    source: str
    key: str
    url: str | None
    confidence: int
    first_seen_at: datetime
    last_seen_at: datetime


class SignalShown(SignalBody):
    """A signal with all that is known of it.

    `effect` is what it is worth in a score today, from 0 to 1; null when it counts no more.
    """

    event: str
    detected_by: UUID | None
    detected_by_name: str | None
    task_id: UUID | None
    data: ShownObject
    effect: float | None
    sightings: list[Sighting]
