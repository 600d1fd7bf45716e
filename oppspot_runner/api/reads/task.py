"""What a task did: its calls of models and tools, and what it wrote; and why it is where it is."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.api.reads.explanations import explain
from oppspot_runner.app.explain import Explanation
from oppspot_runner.base.payload import read_json
from oppspot_runner.db.acting import BoundDatabase
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.queue.client import TaskState
from oppspot_runner.queue.whole_task import WholeTask, whole_task

CALLS = statement("tasks/calls")
LOGS = statement("tasks/logs")

MOST_CALLS = 200
MOST_LOGS = 500


@dataclass(frozen=True)
class TaskStory:
    """A task, why it is where it is, and what its attempts did."""

    whole: WholeTask
    explanation: Explanation
    calls: list[DictRow]
    logs: list[DictRow]


async def story_of(database: BoundDatabase, task_id: UUID, *, fair: bool = False) -> TaskStory:
    """All of a task; `fair` as explain_task has it. Raises NotFoundError."""
    whole = await whole_task(database, task_id)
    return TaskStory(
        whole=whole,
        explanation=await explain(database, task_id, fair=fair),
        calls=await _calls(database, whole.task),
        logs=await _logs(database, whole.task),
    )


async def _calls(database: Database, task: TaskState) -> list[DictRow]:
    which = {"task_id": task.id, "since": task.created_at, "until": task.finished_at}
    rows = await database.fetch_all(CALLS, {**which, "most": MOST_CALLS})
    return [{**row, "arguments": read_json(row["arguments"])} for row in rows]


async def _logs(database: Database, task: TaskState) -> list[DictRow]:
    if task.run_id is None:
        return []
    which = {"task_id": task.id, "run_id": task.run_id}
    return await database.fetch_all(LOGS, {**which, "most": MOST_LOGS})
