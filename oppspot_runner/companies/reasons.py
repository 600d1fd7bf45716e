"""Why a company has its score, as it is stored with it."""

from __future__ import annotations

from pydantic import BaseModel


class Reason(BaseModel):
    """Points of a score and what they are for; the points of all reasons add up to the score."""

    component: str
    factor: str | None = None
    points: float
    max: float | None = None
    text: str | None = None
    source: str | None = None
    observed_at: str | None = None
    confidence: float | None = None


class Missing(BaseModel):
    """What would raise a score if it were known."""

    field: str
    text: str
    points: float
