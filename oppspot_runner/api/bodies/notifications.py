"""Notifications: messages to people, and rules that say who is told of what."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.api.values import Shown, ShownObject, Text
from oppspot_runner.notifications.rules import Channel

Event = Literal[
    "task_dead",
    "breaker_open",
    "budget_reached",
    "runner_lost",
    "critical_company",
    "schedule_stopped",
    "approval_waiting",
]


class MessageBody(BaseModel):
    """A message that gathers events, is on its way, or was delivered."""

    id: UUID
    rule_id: UUID
    rule: str
    event: str
    channel: str
    count: int
    first_at: datetime
    last_at: datetime
    due_at: datetime
    task_id: UUID | None
    examples: Shown
    state: Literal["gathering", "paused", "sending", "retried", "delivered", "failed", "cancelled"]
    retry_count: int | None
    error: str | None


class RuleBody(BaseModel):
    """A rule. `secret` is where the secret is, never the secret itself. Durations are seconds."""

    id: UUID
    name: str
    org_id: UUID | None
    event: str
    filter: ShownObject
    channel: str
    target: str
    secret: str | None
    wait_s: float
    repeat_s: float
    is_active: bool
    last_due_at: datetime | None
    created_at: datetime
    gathered: int
    due_at: datetime | None
    undelivered: int


class Rules(BaseModel):
    """All rules by name."""

    items: list[RuleBody]


class RuleFilter(BaseModel):
    """Of which events people are told: those for which all of it holds."""

    model_config = ConfigDict(extra="forbid")

    agent: Text | None = None
    agent_type: Text | None = None
    task_type: Text | None = None
    stream: Text | None = None
    min_score: float | None = Field(None, ge=0, le=5)


class NewRuleBody(BaseModel):
    """A rule to be added.

    What is secret of `target` and `secret` stays where the runners run: env:NAME or file:/path,
    which operators alone may name.
    """

    model_config = ConfigDict(extra="forbid")

    name: Text = Field(max_length=200)
    event: Event
    channel: Channel
    target: Text = Field(max_length=2000)
    secret: Text | None = None
    filter: RuleFilter = RuleFilter()
    wait_s: float = Field(10.0, ge=0, le=86_400)
    repeat_s: float = Field(3600.0, ge=0, le=31_536_000)
    org_id: UUID | None = None


class TestSent(BaseModel):
    """What a channel told of a message that it took."""

    rule: str
    delivered: bool
    told: ShownObject
