"""Putting tasks in and taking them back, as operations for `Client` and `AsyncClient`.

Everything that can be wrong with a value is said before the database is asked. Knows no agent code
and no stream: an agent is a row that is named by its id, its name or its type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from oppspot_runner.base import payload as checks
from oppspot_runner.base.errors import InvalidInputError, NotFoundError
from oppspot_runner.base.task import TaskStatus
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation

ENQUEUE = statement("tasks/enqueue")
ENQUEUE_MANY = statement("tasks/enqueue_many")
GET = statement("tasks/get")
CANCEL = statement("tasks/cancel")
RETRY = statement("tasks/retry")
REPLAY = statement("tasks/replay")

MOST_AT_ONCE = 10_000  # payloads in one statement: some MB of parameters, a few 100 ms of work
MOST_RETRIES = 1_000
ENDED: frozenset[TaskStatus] = frozenset(("completed", "failed", "cancelled"))
JSON_COLUMNS = ("payload", "output", "progress")
Payload = Mapping[str, Any] | BaseModel


@dataclass(frozen=True)
class TaskState:
    """A task as it stood when it was read. `output` is set when it completed."""

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
    requested_by: str | None
    replay_of: UUID | None
    runner_id: int | None
    cancel_requested_at: datetime | None
    cancel_reason: str | None
    created_at: datetime
    scheduled_for: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether it completed, failed or was cancelled."""
        return self.status in ENDED


def enqueue(
    agent: UUID | str,
    payload: Payload | None = None,
    *,
    priority: int = 5,
    scheduled_for: datetime | None = None,
    at: datetime | None = None,
    stream_id: UUID | str | None = None,
    unique_key: str | None = None,
    max_retries: int | None = None,
    task_type: str | None = None,
    requested_by: str | None = None,
    org_id: UUID | str | None = None,
) -> Operation[UUID]:
    """Adds a task for `agent` (id, name or type) and returns the task's id.

    `priority` is 1 to 10, 10 first; `scheduled_for`, or `at` for short, is when it is due (by
    default now); while a task with the same `unique_key` waits or runs, its id is returned and
    nothing is added; `max_retries` and `task_type` are the agent's own by default. Raises
    InvalidInputError for a value that breaks a rule, NotFoundError for an unknown agent or stream.
    """
    options = _options(
        agent, priority, scheduled_for, at, stream_id, max_retries, task_type, requested_by, org_id
    )
    options["payload"] = checks.object_json({} if payload is None else payload)
    options["unique_key"] = _key(unique_key)
    (row,) = yield Call(ENQUEUE, options)
    made: UUID = row["id"]
    return made


def enqueue_many(
    agent: UUID | str,
    payloads: Sequence[Payload],
    *,
    unique_keys: Sequence[str | None] | None = None,
    priority: int = 5,
    scheduled_for: datetime | None = None,
    at: datetime | None = None,
    stream_id: UUID | str | None = None,
    max_retries: int | None = None,
    task_type: str | None = None,
    requested_by: str | None = None,
    org_id: UUID | str | None = None,
) -> Operation[list[UUID]]:
    """Adds a task for each payload; their ids in the same order. All are added, or none.

    `unique_keys`, when given, is as long as `payloads`. The other options are those of `enqueue`.
    """
    options = _options(
        agent, priority, scheduled_for, at, stream_id, max_retries, task_type, requested_by, org_id
    )
    texts = [
        checks.object_json(one, f"payload {place}") for place, one in enumerate(payloads, start=1)
    ]
    keys = [_key(key) for key in unique_keys] if unique_keys is not None else None
    if keys is not None and len(keys) != len(texts):
        raise InvalidInputError(f"there are {len(keys)} unique keys for {len(texts)} payloads")
    made: list[UUID] = []
    for start in range(0, len(texts), MOST_AT_ONCE):
        end = start + MOST_AT_ONCE
        some = {"payloads": texts[start:end], "unique_keys": keys[start:end] if keys else None}
        (row,) = yield Call(ENQUEUE_MANY, {**options, **some})
        made += row["ids"]
    return made


def get(task_id: UUID | str) -> Operation[TaskState]:
    """The task as it stands. Raises NotFoundError."""
    wanted = checks.identifier(task_id, "the task id")
    rows = yield Call(GET, {"task_id": wanted})
    if not rows:
        raise NotFoundError(
            f"there is no task {wanted}",
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

    False when it waits or runs already. Raises NotFoundError, and ConflictError while another
    task has its unique key.
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


def agent_name(agent: UUID | str) -> str:
    """The id, name or type of an agent as text. Raises InvalidInputError for anything else."""
    if isinstance(agent, str):
        return checks.plain_text(agent, "the agent")
    return str(checks.identifier(agent, "the agent"))


def _options(
    agent: UUID | str,
    priority: int,
    scheduled_for: datetime | None,
    at: datetime | None,
    stream_id: UUID | str | None,
    max_retries: int | None,
    task_type: str | None,
    requested_by: str | None,
    org_id: UUID | str | None,
) -> dict[str, Any]:
    if at is not None and scheduled_for is not None:
        raise InvalidInputError("`at` and `scheduled_for` mean the same: give one of them")
    due = at or scheduled_for
    return {
        "agent": agent_name(agent),
        "priority": checks.whole_number(priority, "the priority", least=1, most=10),
        "scheduled_for": None if due is None else checks.moment(due, "scheduled_for"),
        "stream_id": _id(stream_id, "stream_id"),
        "max_retries": None
        if max_retries is None
        else checks.whole_number(max_retries, "max_retries", least=0, most=MOST_RETRIES),
        "task_type": None if task_type is None else checks.plain_text(task_type, "task_type"),
        "requested_by": None
        if requested_by is None
        else checks.plain_text(requested_by, "requested_by"),
        "org_id": _id(org_id, "org_id"),
    }


def _id(value: UUID | str | None, what: str) -> UUID | None:
    return None if value is None else checks.identifier(value, what)


def _key(key: str | None) -> str | None:
    return None if key is None else checks.plain_text(key, "unique_key")
