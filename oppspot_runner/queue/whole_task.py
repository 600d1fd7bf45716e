"""A task with everything that is known of it: for the command line and HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.db.pool import Database
from oppspot_runner.db.sessions import OwnAsyncSession
from oppspot_runner.queue import client, read
from oppspot_runner.queue.client import TaskState


@dataclass(frozen=True)
class WholeTask:
    """A task with its attempts, finished steps, what does it again, and its children by status."""

    task: TaskState
    attempts: list[DictRow]
    steps: list[DictRow]
    replays: list[DictRow]
    children: dict[str, int]

    @property
    def next_attempt_at(self) -> datetime | None:
        """When it is tried again, of a task that was tried and waits."""
        tried = self.task.status == "pending" and self.task.attempt > 0
        return self.task.scheduled_for if tried else None


async def whole_task(database: Database, task_id: UUID) -> WholeTask:
    """Reads all of a task. Raises NotFoundError."""
    return WholeTask(
        task=await OwnAsyncSession(database, opened=True).run(client.get(task_id)),
        attempts=await read.attempts(database, task_id),
        steps=await read.steps(database, task_id),
        replays=await read.replays(database, task_id),
        children=await read.children(database, task_id),
    )
