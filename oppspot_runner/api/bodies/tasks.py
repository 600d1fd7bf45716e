"""Tasks, as requests and answers have them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from oppspot_runner.api.values import Shown, Text
from oppspot_runner.base.redact import redact
from oppspot_runner.base.task import TaskStatus
from oppspot_runner.queue.producer import MOST_RETRIES, OnConflict

MOST_TOGETHER = 1_000  # tasks of one request
MOST_REASON = 10_000
# A text that people or agents wrote, without secrets.
Masked = Annotated[str | None, BeforeValidator(redact)]


class TaskSummary(BaseModel):
    """A task in a list."""

    id: UUID
    status: TaskStatus
    priority: int
    org_id: UUID | None
    agent_id: UUID | None
    agent_name: str | None
    agent_type: str | None
    task_type: str
    stream_id: UUID | None
    stream_name: str | None
    run_id: UUID | None
    parent_task_id: UUID | None
    attempt: int
    retry_count: int
    max_retries: int
    crash_count: int
    progress: Any
    error_message: Masked
    requested_by: str | None
    unique_key: str | None
    limit_key: str | None
    runner_id: int | None
    cancel_requested: bool
    created_at: datetime
    scheduled_for: datetime | None = Field(description="Null: at no time.")
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None
    waits_for: str | None
    waits_since: datetime | None
    wait_until: datetime | None


class TaskBody(BaseModel):
    """A task as it stands."""

    id: UUID
    status: TaskStatus
    agent_id: UUID | None
    agent_name: str | None
    agent_type: str | None
    org_id: UUID | None
    stream_id: UUID | None
    run_id: UUID | None
    task_type: str
    priority: int
    payload: Shown
    output: Shown
    progress: Shown
    error_message: Masked
    attempt: int
    retry_count: int
    max_retries: int
    crash_count: int
    unique_key: str | None
    limit_key: str | None
    requested_by: str | None
    replay_of: UUID | None
    parent_task_id: UUID | None
    runner_id: int | None
    cancel_requested_at: datetime | None
    cancel_reason: Masked
    created_at: datetime
    scheduled_for: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    waits_for: str | None
    waits_since: datetime | None
    wait_until: datetime | None
    backs_off: bool = Field(
        description="It waits for nothing but the time after an error; a retry ends that."
    )


class AttemptBody(BaseModel):
    """One attempt; `error_message` is also why it was put off or given back."""

    id: UUID
    attempt: int | None
    status: str
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    error_message: Masked
    output_data: Shown
    results_summary: Shown
    metrics: Shown
    runner_id: int | None
    host: str | None
    pid: int | None


class StepBody(BaseModel):
    """A finished step, which a later attempt does not repeat."""

    name: str
    seq: int
    attempt: int | None
    created_at: datetime
    result_bytes: int


class ReplayBody(BaseModel):
    """A task that does this one again."""

    id: UUID
    status: TaskStatus
    created_at: datetime


class WholeTaskBody(BaseModel):
    """A task with everything that is known of it. `children` are counted by status."""

    task: TaskBody
    next_attempt_at: datetime | None = Field(
        description="When it is tried again, of a task that was tried and waits."
    )
    attempts: list[AttemptBody]
    steps: list[StepBody]
    replays: list[ReplayBody]
    children: dict[str, int]


class FacetBody(BaseModel):
    """How many tasks have a value; `name` is what people call it."""

    value: str
    name: str
    tasks: int


class FacetsBody(BaseModel):
    """Values that occur among the newest `looked_at` tasks, the most frequent first.

    Each is counted without its own filter. Unless `complete`, there may be more than the numbers
    say.
    """

    status: list[FacetBody]
    task_type: list[FacetBody]
    agent: list[FacetBody]
    stream: list[FacetBody]
    looked_at: int
    complete: bool


class TaskEvent(BaseModel):
    """What a task said in its run."""

    seq: int
    type: str
    attempt: int | None
    created_at: datetime
    data: Shown


class ReasonBody(BaseModel):
    """Why a task is where it is, and what may be done. `holds`: it cannot start while this is."""

    code: str
    text: str
    fix: str | None
    holds: bool


class ExplanationBody(BaseModel):
    """What holds a task, the most important reason first."""

    task_id: UUID | None
    run_id: UUID | None
    agent: str | None
    status: str
    reasons: list[ReasonBody]


class NewTask(BaseModel):
    """A task for an agent. What is left out has its default, which may be the agent's."""

    model_config = ConfigDict(extra="forbid")

    agent: Text = Field(description="Its id, name or type.")
    payload: dict[str, Any] = {}
    priority: int | None = Field(None, ge=1, le=10, description="10 goes first.")
    scheduled_for: AwareDatetime | None = Field(None, description="When it is due; now.")
    stream_id: UUID | None = None
    unique_key: Text | None = Field(
        None, description="Only one task with this key waits or runs at a time."
    )
    limit_key: Text | None = Field(None, max_length=200)
    max_retries: int | None = Field(None, ge=0, le=MOST_RETRIES)
    task_type: Text | None = None
    requested_by: Text | None = Field(None, description="For people; the name of the token.")
    org_id: UUID | None = Field(None, description="For operators: whose data it may see.")


class EnqueueTask(NewTask):
    """A task, and what is done when its key is taken."""

    on_conflict: OnConflict = "skip"


class EnqueueTasks(BaseModel):
    """Tasks that are added together, or none of them."""

    model_config = ConfigDict(extra="forbid")

    tasks: list[NewTask] = Field(min_length=1, max_length=MOST_TOGETHER)
    on_conflict: OnConflict = "skip"


class TaskEnqueued(BaseModel):
    """`id` is that of the task that has the key, where one has it already."""

    id: UUID
    outcome: Literal["added", "skipped", "replaced"]


class TasksEnqueued(BaseModel):
    """Ids in the order of the request, and what became of how many."""

    ids: list[UUID]
    added: int
    skipped: int
    replaced: int


class TaskChanged(BaseModel):
    """What became of a request about a task; `changed` is false when there was nothing to do."""

    id: UUID
    status: TaskStatus
    changed: bool


class CancelTask(BaseModel):
    """Why it is cancelled."""

    model_config = ConfigDict(extra="forbid")

    reason: Text | None = Field(None, max_length=MOST_REASON)


class ReplayTask(BaseModel):
    """From where, and with what."""

    model_config = ConfigDict(extra="forbid")

    from_step: Text | None = Field(
        None, description="Results of the steps before it are kept: a name, or `name:2`."
    )
    payload: dict[str, Any] | None = Field(None, description="In place of the old one.")


class TaskReplayed(BaseModel):
    """The new task."""

    id: UUID
    replay_of: UUID
    steps_kept: int
