"""Runs of streams and of graphs, as requests and answers have them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.api.bodies.tasks import MOST_REASON, Masked
from oppspot_runner.api.values import Shown, ShownObject, Text
from oppspot_runner.base.pace import MOST_PARALLEL, Strategy
from oppspot_runner.base.task import TaskStatus
from oppspot_runner.workflow.runs import MOST_SIGNAL_NAME


class RunSummary(BaseModel):
    """A run in a list. `nodes_ended` of its `nodes` agents have ended or were skipped."""

    id: UUID
    stream_id: UUID | None
    stream_name: str | None
    root_agent_id: UUID | None
    root_agent_name: str | None
    status: str
    strategy: str
    max_parallel: int | None
    priority: int
    requested_by: str | None
    rerun_of: UUID | None
    created_at: datetime
    finished_at: datetime | None
    nodes: int
    nodes_ended: int


class RunNodeBody(BaseModel):
    """An agent of a run. `error_message` is also why it was skipped."""

    agent_id: UUID
    agent_name: str | None
    agent_type: str | None
    level: int
    status: str
    depends_on: list[str]
    open_dependencies: int
    task_id: UUID | None
    task_status: TaskStatus | None
    progress: Shown
    error_message: Masked
    approve_by: datetime | None
    waits_for: str | None
    finished_at: datetime | None


class RunBody(BaseModel):
    """A run with its agents in the order in which they may start, and what they made so far."""

    run: RunSummary
    nodes: list[RunNodeBody]
    results: ShownObject = Field(description="Outputs by the ids of their agents.")


class StartGraph(BaseModel):
    """The agent that runs first, and after it all that are below it by `parent_id`."""

    model_config = ConfigDict(extra="forbid")

    root: Text = Field(description="Id, name or type of the agent.")
    payload: dict[str, Any] = {}
    strategy: Strategy = "event"
    max_parallel: int | None = Field(None, ge=1, le=MOST_PARALLEL)
    priority: int = Field(5, ge=1, le=10)
    requested_by: Text | None = None


class GraphStarted(BaseModel):
    """The run."""

    id: UUID


class CancelRun(BaseModel):
    """Why; with `agent_id` only that agent and all below it."""

    model_config = ConfigDict(extra="forbid")

    reason: Text | None = Field(None, max_length=MOST_REASON)
    agent_id: UUID | None = None


class CancelledTask(BaseModel):
    """A task of the run, and how it stood before."""

    id: UUID
    status: TaskStatus


class RunCancelled(BaseModel):
    """The tasks concerned."""

    id: UUID
    tasks: list[CancelledTask]


class ApproveRun(BaseModel):
    """Which agent; without `agent_id` all that wait for an approval."""

    model_config = ConfigDict(extra="forbid")

    agent_id: UUID | None = None


class RunApproved(BaseModel):
    """How many agents may start now."""

    id: UUID
    approved: int


class RerunRun(BaseModel):
    """From which agent on; without it all run again."""

    model_config = ConfigDict(extra="forbid")

    from_agent_id: UUID | None = None


class RunRepeated(BaseModel):
    """The new run."""

    id: UUID
    rerun_of: UUID


class SignalRun(BaseModel):
    """What the run is told: the first agent that waits for `name` gets it."""

    model_config = ConfigDict(extra="forbid")

    name: Text = Field(max_length=MOST_SIGNAL_NAME)
    payload: dict[str, Any] = {}


class RunSignalled(BaseModel):
    """The signal."""

    id: UUID
    run_id: UUID
