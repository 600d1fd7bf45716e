"""How things stand, in the shape that the command `status --json` prints too."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from oppspot_runner.base.task import TaskStatus


class ControlRunners(BaseModel):
    """What the runners are to do."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["start", "stop"]


class AllRunners(BaseModel):
    """All runners as one. `polling_interval` is in milliseconds."""

    status: Literal["running", "paused", "stopped"]
    polling_interval: int
    max_concurrent_tasks: int


class TaskCounts(BaseModel):
    """Tasks by status."""

    pending: int
    processing: int
    completed: int
    failed: int
    cancelled: int
    total: int


class RunnerBody(BaseModel):
    """One runner."""

    id: int
    host: str | None
    pid: int | None
    state: Literal["running", "paused", "stopping", "stopped", "dead"]
    slots: int
    running: int
    heartbeat_age_s: float
    started_at: datetime
    wake: Literal["notify", "poll"]
    lag_ms: int
    hanging: int
    version: str
    labels: list[str]
    task_types: list[str] | None


class WantedSlots(BaseModel):
    """Slots that would begin the ready tasks of a type, for agents that ask for these labels,
    within a minute."""

    task_type: str
    labels: list[str]
    ready: int
    running: int
    slots: int


class OpenBreaker(BaseModel):
    """An agent whose tasks wait after failures."""

    agent_id: UUID
    agent_name: str | None
    state: str
    failures: int
    last_error: str | None
    opened_at: datetime
    next_try_at: datetime | None


class OpenHost(BaseModel):
    """A host that is left alone after failures."""

    source: str
    host: str
    state: str
    failures: int
    last_error: str | None
    opened_at: datetime
    next_try_at: datetime | None


class AgentInNeed(BaseModel):
    """An agent whose failed tasks wait for people."""

    agent_id: UUID
    agent_name: str
    tasks: int
    error: str | None
    failed_at: datetime | None


class Undelivered(BaseModel):
    """A notification that did not reach its channel."""

    rule: str
    event: str
    channel: str
    count: int
    first_at: datetime
    status: TaskStatus
    error_message: str | None


class RecentTask(BaseModel):
    """A task that is on, or in which something happened lately."""

    id: UUID
    agent_id: UUID | None
    agent_name: str | None
    agent_type: str | None
    task_type: str
    status: TaskStatus
    priority: int
    attempt: int
    retry_count: int
    progress: Any
    error_message: str | None
    created_at: datetime
    scheduled_for: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None


class RunnerControlled(BaseModel):
    """How the runners stand after they were asked."""

    success: bool = True
    runner: AllRunners


class RunnerStatus(RunnerControlled):
    """How things stand. A token of an organisation gets its own tasks, and no runner and no host
    by name."""

    stats: TaskCounts
    runners: list[RunnerBody]
    wanted_runners: int
    wanted_slots: list[WantedSlots]
    waiting: dict[str, int]
    breakers: list[OpenBreaker]
    hosts: list[OpenHost]
    attention: list[AgentInNeed]
    undelivered: list[Undelivered]
    recent_tasks: list[RecentTask]
