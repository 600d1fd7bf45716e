"""A task with everything that is known of it: for the command line and HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from psycopg import sql
from pydantic import BeforeValidator, TypeAdapter

from oppspot_runner.base.payload import read_json
from oppspot_runner.base.task import TaskStatus
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import client, read
from oppspot_runner.queue.client import TaskState

WHOLE = (
    sql.SQL(statement("tasks/whole"))
    .format(
        task=sql.SQL(client.GET),
        attempts=sql.SQL(statement("tasks/attempts")),
        steps=sql.SQL(read.STEPS),
        replays=sql.SQL(statement("tasks/replays")),
        children=sql.SQL(statement("tasks/children")),
    )
    .as_bytes()
)
# The value of a jsonb column, which comes as text.
Json = Annotated[Any, BeforeValidator(read_json)]


@dataclass(frozen=True)
class Attempt:
    """An attempt; `error_message` is also why it was put off or given back."""

    id: UUID
    attempt: int | None
    status: str
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    error_message: str | None
    output_data: Json
    results_summary: Json
    metrics: Json
    runner_id: int | None
    host: str | None
    pid: int | None


@dataclass(frozen=True)
class Step:
    """A finished step, without its result."""

    name: str
    seq: int
    attempt: int | None
    created_at: datetime
    result_bytes: int


@dataclass(frozen=True)
class Replay:
    """A task that does another one again."""

    id: UUID
    status: TaskStatus
    created_at: datetime


@dataclass(frozen=True)
class WholeTask:
    """A task with its attempts, finished steps, what does it again, and its children by status."""

    task: TaskState
    attempts: list[Attempt]
    steps: list[Step]
    replays: list[Replay]
    children: dict[str, int]

    @property
    def next_attempt_at(self) -> datetime | None:
        """When it is tried again, of a task that was tried and waits."""
        tried = self.task.status == "pending" and self.task.attempt > 0
        return self.task.scheduled_for if tried else None


ATTEMPTS = TypeAdapter(list[Attempt])
STEPS = TypeAdapter(list[Step])
REPLAYS = TypeAdapter(list[Replay])
CHILDREN = TypeAdapter(dict[str, int])


async def whole_task(database: Database, task_id: UUID) -> WholeTask:
    """Reads all of a task. Raises NotFoundError."""
    row = await database.fetch_one(WHOLE, {"task_id": task_id})
    task = client.state_in([row] if row else [], task_id)
    assert row is not None
    return WholeTask(
        task=task,
        attempts=ATTEMPTS.validate_json(row["attempts"] or "[]"),
        steps=STEPS.validate_json(row["steps"] or "[]"),
        replays=REPLAYS.validate_json(row["replays"] or "[]"),
        children=CHILDREN.validate_json(row["children"] or "{}"),
    )
