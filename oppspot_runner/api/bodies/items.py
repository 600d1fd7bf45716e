"""Companies of a stream, and why each has its score."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator

from oppspot_runner.api.values import Shown
from oppspot_runner.base.fitting import fitting
from oppspot_runner.companies.reasons import Missing, Reason

# Anybody may write them by SQL: entries of other shapes are left out.
Reasons = Annotated[list[Reason], BeforeValidator(partial(fitting, Reason))]
Misses = Annotated[list[Missing], BeforeValidator(partial(fitting, Missing))]


class SignalOfItem(BaseModel):
    """A signal that counts today; `effect` is what it is worth in a score, from 0 to 1."""

    id: UUID
    signal_type: str
    strength: str
    confidence: int
    title: str
    occurred_at: datetime
    effect: float | None


class ItemBody(BaseModel):
    """A company of a stream. `signals` are the strongest that count today, at most 20."""

    id: UUID
    company_id: UUID
    name: str
    domain: str | None
    country: str | None
    region: str | None
    town: str | None
    industries: list[str]
    employees: int | None
    employees_band: str | None
    status: str | None
    position: int | None
    quality_score: float | None
    priority: Literal["critical", "high", "medium", "low"] | None
    score_confidence: float | None
    score_stage: Literal["discovery", "enriched", "full"] | None
    stage_id: str | None
    score_reasons: Reasons
    score_missing: Misses
    score_changed: Shown
    scored_at: datetime | None
    enriched_at: datetime | None
    created_at: datetime
    signal_count: int
    signals: list[SignalOfItem]


class ItemExplained(BaseModel):
    """A stored score, and what the same company would have now.

    `stale` says that facts, signals or the goal changed since.
    """

    company_id: UUID
    name: str
    quality_score: float | None
    priority: str | None
    confidence: float | None
    position: int | None
    reasons: Reasons
    missing: Misses
    changed: Shown
    scored_at: datetime | None
    stale: bool
    now_score: float
    now_priority: str
    now_reasons: Reasons
