"""The same done to many tasks, as requests and answers have it."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from oppspot_runner.api.reads.tasks import TaskFilter
from oppspot_runner.api.values import Text
from oppspot_runner.base.task import TaskStatus

MOST_CHANGED = 500  # tasks of one request
Action = Literal["retry", "cancel", "discard"]


class TaskQuery(BaseModel):
    """Which tasks are meant; what is left out does not matter."""

    model_config = ConfigDict(extra="forbid")

    status: list[TaskStatus] = Field([], description="One of these.", max_length=5)
    task_type: Text | None = None
    agent_id: UUID | None = None
    agent_type: Text | None = None
    stream_id: UUID | None = None
    run_id: UUID | None = None
    runner_id: int | None = Field(None, ge=0, lt=2**63, description="Of this runner, now.")
    org_id: UUID | None = Field(None, description="For operators: of this organisation.")
    requested_by: Text | None = None
    parent_id: UUID | None = Field(None, description="Made by the agent of this task.")
    limit_key: Text | None = None
    created_after: AwareDatetime | None = None
    created_before: AwareDatetime | None = None
    finished_after: AwareDatetime | None = None
    finished_before: AwareDatetime | None = None
    text: Text | None = Field(
        None,
        max_length=200,
        description="The beginning of an id, or a part of the agent's name, of the error or of "
        "the payload.",
    )

    def wanted(self) -> TaskFilter:
        """As reading functions take it."""
        values = {name: getattr(self, name) for name in TaskQuery.model_fields if name != "status"}
        return TaskFilter(statuses=tuple(self.status), **values)


class BulkRequest(BaseModel):
    """What is done, and to which tasks: those of `ids`, or those that match `filter`.

    At most `limit` of those that match are changed; `next_cursor` of the answer goes on.
    """

    model_config = ConfigDict(extra="forbid")

    action: Action = Field(
        description="retry: ended tasks get in line again. cancel: what waits or runs ends. "
        "discard: failed ones are cancelled, and deleted after a while."
    )
    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_CHANGED)] | None = None
    filter: TaskQuery | None = None
    limit: int = Field(MOST_CHANGED, ge=1, le=MOST_CHANGED)
    cursor: str | None = Field(None, max_length=1000)
    reason: Text | None = Field(None, description="Kept with tasks that end.")
    dry_run: bool = Field(False, description="Only says which tasks are meant.")


class BulkRefused(BaseModel):
    """A task that was not changed, and why."""

    id: UUID
    error: str


class BulkResult(BaseModel):
    """`matched` tasks were looked at; `ids` are those that were changed, or would be."""

    action: Action
    dry_run: bool
    matched: int
    changed: int
    ids: list[UUID]
    refused: list[BulkRefused]
    next_cursor: str | None = Field(description="Not null: more may match.")


class ListQuery(TaskQuery):
    """Which tasks, and how many of them."""

    limit: Annotated[int, Query(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Query(max_length=1000)] = None
