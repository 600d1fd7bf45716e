"""Pauses, limits and runners, as requests and answers have them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.api.values import Text
from oppspot_runner.limits import task_limits
from oppspot_runner.queue import control

MOST_KEY = 200


class PauseBody(BaseModel):
    """What is not started now. The key of an agent or an organisation is its id."""

    scope: control.Scope
    key: str
    reason: str | None
    paused_at: datetime
    agent_name: str | None


class NewPause(BaseModel):
    """What is not to be started."""

    model_config = ConfigDict(extra="forbid")

    scope: control.Scope
    key: Text = Field(description="Id of the agent or organisation, or a task_type or agent_type.")
    reason: Text | None = None


class Paused(BaseModel):
    """`known`: whether something has that name now; it may be misspelt."""

    scope: control.Scope
    key: str
    known: bool


class Removed(BaseModel):
    """What was taken away; `changed` is false where there was nothing."""

    scope: str
    key: str
    changed: bool


class LimitBody(BaseModel):
    """How much may run, and start, at once, and what runs now. `rate` is in starts a second."""

    scope: task_limits.Scope
    key: str
    name: str | None
    concurrency: int | None
    rate: float | None
    burst: int | None
    weight: float
    source: Literal["user", "configuration", "code"]
    tokens: float | None
    running: int | None


class NewLimit(BaseModel):
    """How much may run, and start, at once."""

    model_config = ConfigDict(extra="forbid")

    scope: task_limits.Scope
    key: Text = Field(max_length=MOST_KEY, description="As of a pause; or a limit_key, or `*`.")
    concurrency: int | None = Field(None, ge=0, le=task_limits.MOST_AT_ONCE)
    rate: Text | None = Field(None, description="Starts, as `10/s` or `100/h`.")
    burst: int | None = Field(None, ge=1, le=task_limits.MOST_AT_ONCE)
    weight: float = Field(1.0, gt=0, le=task_limits.MOST_AT_ONCE, allow_inf_nan=False)


class LimitSet(BaseModel):
    """What has a limit now."""

    scope: task_limits.Scope
    key: str


class RunnerSummary(BaseModel):
    """A runner. `desired` is what it was asked to be."""

    id: int
    host: str
    pid: int
    version: str
    protocol: int
    state: str
    desired: str
    alive: bool
    slots: int
    running: int
    task_types: list[str] | None
    labels: list[str]
    agent_types: list[str] | None
    wake: str
    lag_ms: int
    hanging: int
    heartbeat_age_s: float
    started_at: datetime


class RunnerAsked(BaseModel):
    """What a runner was asked to be; it obeys within a heartbeat."""

    id: int
    desired: str
