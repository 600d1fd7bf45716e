"""The rows of the product as frozen values: tasks, agents, streams. No behaviour beyond reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

TaskStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]
DEFAULT_TASK_TYPE = "agent_execution"
HEALTH_CHECK = "health_check"  # "health_check:12" is for runner 12 alone
NOTIFICATION = "notification"  # a lane beside the slots of runners; its agent has that type
ALONE_FROM = 2  # deaths of its runner; at the third the task fails (queue/rescue)


@dataclass(frozen=True)
class AgentRow:
    """A row of `ai_agents`: what somebody configured, as opposed to the code that runs.

    `timezone` is that of its schedule, as it is written.
    """

    id: UUID
    org_id: UUID | None
    name: str | None
    agent_type: str | None
    configuration: dict[str, Any] = field(default_factory=dict)
    is_active: bool = True
    timezone: str = "UTC"


@dataclass(frozen=True)
class StreamRow:
    """A row of `streams`: the goal that agents work for."""

    id: UUID
    org_id: UUID | None
    name: str | None
    goal_criteria: dict[str, Any] = field(default_factory=dict)
    target_metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """A claimed row of `agent_tasks`. `run_token` is the fence of this attempt.

    `payload_error` is set when the payload or the agent's configuration could not be read; the
    attempt then fails with it. `org_id` is the agent's where the row has none. `traceparent` is the
    span of whoever put it in.
    """

    id: UUID
    run_token: int
    attempt: int
    execution_id: UUID
    task_type: str
    priority: int
    retry_count: int
    max_retries: int
    crash_count: int
    org_id: UUID | None
    stream_id: UUID | None
    run_id: UUID | None
    agent: AgentRow | None
    payload: dict[str, Any]
    created_at: datetime
    started_at: datetime
    wait_ms: int
    limit_key: str | None = None
    unique_key: str | None = None
    requested_by: str | None = None
    replay_of: UUID | None = None
    traceparent: str | None = None
    payload_error: str | None = None

    @property
    def is_health_check(self) -> bool:
        """Whether the runner itself answers it."""
        return self.agent is None and self.task_type.partition(":")[0] == HEALTH_CHECK

    @property
    def is_notification(self) -> bool:
        """Whether it delivers a notification."""
        return self.task_type == NOTIFICATION

    @property
    def is_for_stream(self) -> bool:
        """Whether it works for a stream, so that others may wait for its end."""
        return self.stream_id is not None or self.run_id is not None or "stream_id" in self.payload

    @property
    def runs_alone(self) -> bool:
        """Whether it was on at so many deaths of its runner that nothing may run beside it."""
        return self.crash_count >= ALONE_FROM

    @property
    def agent_type(self) -> str | None:
        """The type of the task's agent, None for a task without one."""
        return self.agent.agent_type if self.agent else None
