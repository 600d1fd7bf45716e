"""The history of attempts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.paging import Cursor, Limit, Page, encode, id_after
from oppspot_runner.api.reads import executions as reads
from oppspot_runner.api.reads.executions import ExecutionFilter
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.values import Shown

router = Routes(prefix="/api/v1/executions", tags=["executions"])
Status = Literal["queued", "running", "completed", "failed", "cancelled"]


class ExecutionSummary(BaseModel):
    """One attempt of a task."""

    id: UUID
    task_id: UUID | None
    attempt: int | None
    agent_id: UUID | None
    agent_name: str | None
    agent_type: str | None
    stream_id: UUID | None
    org_id: UUID | None
    status: Status
    created_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    error_message: str | None
    results_summary: Shown
    metrics: Shown
    runner_id: int | None


@router.get("", dependencies=[Depends(needs("read"))])
async def list_(
    database: Reading,
    agent_id: Annotated[UUID | None, Query(description="Only of this agent.")] = None,
    stream_id: Annotated[UUID | None, Query(description="Only of this stream.")] = None,
    task_id: Annotated[UUID | None, Query(description="Only of this task.")] = None,
    status: Status | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ExecutionSummary]:
    """Attempts, the newest first.

    A bounded number is looked at for one page, so it may be shorter than `limit`, also empty, and
    not the last one: go on while `next_cursor` is not null.
    """
    wanted = ExecutionFilter(task_id, agent_id, stream_id, status)
    rows, after = await reads.browse(database, wanted, limit=limit, before=id_after(cursor))
    return Page(
        items=[ExecutionSummary.model_validate(row) for row in rows],
        next_cursor=None if after is None else encode([after]),
    )
