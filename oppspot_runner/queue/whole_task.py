"""A task with everything that is known of it: for the command line and HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.db.pool import Database
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
    queries = (client.GET, read.ATTEMPTS, read.STEPS, read.REPLAYS, read.CHILDREN)
    found, attempts, steps, replays, children = await database.fetch_each(
        *((query, {"task_id": task_id}) for query in queries)
    )
    return WholeTask(
        task=client.state_in(found, task_id),
        attempts=read.readable(attempts, "output_data", "results_summary", "metrics"),
        steps=steps,
        replays=replays,
        children={row["status"]: row["tasks"] for row in children},
    )
