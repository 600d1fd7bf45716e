"""One task as it stands, its end and its return, as operations for `Client` and `AsyncClient`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from oppspot_runner.base import payload as checks
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.base.task import TaskStatus
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation, Rows
from oppspot_runner.queue.producer import Payload

GET = statement("tasks/get")
CANCEL = statement("tasks/cancel")
RETRY = statement("tasks/retry")
REPLAY = statement("tasks/replay")

ENDED: frozenset[TaskStatus] = frozenset(("completed", "failed", "cancelled"))
JSON_COLUMNS = ("payload", "output", "progress")


@dataclass(frozen=True)
class TaskState:
    """A task as it stood when it was read. `output` is set when it completed.

    `backs_off`: it waits for nothing but the time after an error, and `retry` ends that.
    """

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
    payload: dict[str, Any]
    output: dict[str, Any] | None
    progress: dict[str, Any] | None
    error_message: str | None
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
    cancel_reason: str | None
    created_at: datetime
    scheduled_for: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    waits_for: str | None
    waits_since: datetime | None
    wait_until: datetime | None
    backs_off: bool

    @property
    def ended(self) -> bool:
        """Whether it completed, failed or was cancelled."""
        return self.status in ENDED


def get(task_id: UUID | str) -> Operation[TaskState]:
    """The task as it stands. Raises NotFoundError."""
    wanted = checks.identifier(task_id, "the task id")
    return state_in((yield Call(GET, {"task_id": wanted})), wanted)


def state_in(rows: Rows, task_id: UUID) -> TaskState:
    """The task in the rows that `GET` found. Raises NotFoundError."""
    if not rows:
        raise NotFoundError(
            f"there is no task {task_id}",
            hint="Completed and cancelled tasks are deleted after their retention.",
        )
    row = {one.name: rows[0][one.name] for one in fields(TaskState)}
    return TaskState(**{**row, **{name: checks.read_json(row[name]) for name in JSON_COLUMNS}})


def cancel(task_id: UUID | str, reason: str | None = None) -> Operation[bool]:
    """Cancels a waiting task at once, and asks the runner of a running one to end it.

    False when it had ended already. Raises NotFoundError.
    """
    wanted = checks.identifier(task_id, "the task id")
    if reason is not None:
        checks.plain_text(reason, "the reason", most=10_000)
    (row,) = yield Call(CANCEL, {"task_id": wanted, "reason": reason})
    return bool(row["done"])


def retry(task_id: UUID | str) -> Operation[bool]:
    """Puts an ended task in line again, due now and with all its retries.

    One that waits for its next try after an error is due at once, and keeps its count of errors.
    False when it is in line, runs, or waits for something else. Raises NotFoundError, and
    ConflictError while another task has its unique key.
    """
    (row,) = yield Call(RETRY, {"task_id": checks.identifier(task_id, "the task id")})
    return bool(row["done"])


def replay(
    task_id: UUID | str, *, from_step: str | None = None, payload: Payload | None = None
) -> Operation[UUID]:
    """Adds a task that does an ended one again, and returns its id; the old one stays as it is.

    The new task begins with the results of the steps that finished before `from_step` (a name, or
    `name:2` for its third call), without it with none. `payload` replaces the old one. Raises
    NotFoundError for an unknown task or step, ConflictError while the task has not ended or
    another one has its unique key.
    """
    (row,) = yield Call(
        REPLAY,
        {
            "task_id": checks.identifier(task_id, "the task id"),
            "from_step": None if from_step is None else checks.plain_text(from_step, "the step"),
            "payload": None if payload is None else checks.object_json(payload),
        },
    )
    made: UUID = row["id"]
    return made
