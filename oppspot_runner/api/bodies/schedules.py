"""Schedules, as answers have them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from oppspot_runner.api.values import Shown


class ScheduleBody(BaseModel):
    """A schedule and how it stands. failed: see `error`; inactive: its agent or assignment is."""

    id: UUID
    name: str
    state: Literal["active", "paused", "inactive", "failed"]
    agent_id: UUID
    agent_name: str | None
    stream_id: UUID | None
    stream_name: str | None
    expression: str
    timezone: str
    options: Shown
    paused_at: datetime | None
    error: str | None
    due_at: datetime | None
    last_due_at: datetime | None
    last_fired_at: datetime | None
    last_task_id: UUID | None


class ComingTimes(BaseModel):
    """The next due times from now, also of a schedule that rests."""

    id: UUID
    times: list[datetime]


class ScheduleStarted(BaseModel):
    """What was started."""

    id: UUID
    task_id: UUID
