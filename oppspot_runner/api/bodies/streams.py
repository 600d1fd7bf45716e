"""Streams, their agents, and what was noticed about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.api.values import Shown, ShownObject, Text
from oppspot_runner.base.pace import Strategy


class StreamSummary(BaseModel):
    """A stream in a list, with what it has and its newest run."""

    id: UUID
    name: str | None
    org_id: UUID | None
    created_at: datetime | None
    percent: Shown
    agents: int
    items: int
    run_id: UUID | None
    run_status: str | None
    run_at: datetime | None


class StreamBody(BaseModel):
    """A stream with its goal, and how far it is."""

    id: UUID
    name: str | None
    org_id: UUID | None
    goal_criteria: Shown
    target_metrics: Shown
    progress: Shown
    items: int
    created_at: datetime | None


class NewStream(BaseModel):
    """A stream to be made. `org_id` is for operators; others make streams of their own."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    goal_criteria: dict[str, Any] = {}
    target_metrics: dict[str, Any] = {}
    org_id: UUID | None = None


class StreamChanges(BaseModel):
    """What should change of a stream; what is not given stays."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    goal_criteria: dict[str, Any] | None = None
    target_metrics: dict[str, Any] | None = None


class RunOfStream(BaseModel):
    """How to run a stream: what all its agents get, and at which pace."""

    model_config = ConfigDict(extra="forbid")

    payload: dict[str, Any] = {}
    priority: int = Field(5, ge=1, le=10)
    strategy: Strategy = "event"
    max_parallel: int | None = Field(None, ge=1, le=2**31 - 1)


class RunStarted(BaseModel):
    """The run that was started: see /api/v1/runs."""

    run_id: UUID


class InsightBody(BaseModel):
    """What an agent noticed about a stream, with the evidence for it."""

    id: UUID
    kind: str
    title: str
    evidence: ShownObject
    agent_id: UUID | None
    task_id: UUID | None
    execution_id: UUID | None
    created_at: datetime


class PlannedAgent(BaseModel):
    """An agent at its place in a run. Without a level runs leave it out.

    `notes` say what holds it back, `faults` why it could not run.
    """

    agent_id: UUID
    name: str
    agent_type: str | None
    level: int | None
    after: list[str]
    notes: list[str]
    faults: list[str]


class PlanBody(BaseModel):
    """What a run of a stream would do; `fit` where all of it could run.

    `cycle` names agents that wait for each other, the first one again at the end.
    """

    stream_id: UUID
    fit: bool
    agents: list[PlannedAgent]
    cycle: list[str]


class AssignmentBody(BaseModel):
    """An agent's part in a stream: see docs/guides/workflows.md."""

    id: UUID
    agent_id: UUID
    agent_name: str | None
    agent_type: str | None
    agent_is_active: bool
    assignment_role: str | None
    execution_order: int | None
    is_active: bool
    auto_execute: bool
    execution_frequency: str | None
    schedule_options: Shown
    depends_on_agent_ids: list[UUID]
    depends_on: list[str]
    condition: str | None
    on_failure: str
    requires_approval: bool
    approval_timeout: str | None
    max_parallel: int | None
    total_executions: int
    last_executed_at: datetime | None


class Assignments(BaseModel):
    """All agents of a stream, in their order."""

    items: list[AssignmentBody]
