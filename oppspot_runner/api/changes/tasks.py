"""Changes of tasks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from oppspot_runner.api.changing import Change
from oppspot_runner.queue.client import TaskState


async def retry(change: Change, task_id: UUID) -> tuple[TaskState, bool]:
    """Puts an ended task in line again; the task, and whether that changed anything."""
    before = await change.client.get(task_id)
    changed = await change.client.retry(task_id)
    after = await change.client.get(task_id)
    if changed:
        told = {"before": _told(before), "after": _told(after)}
        await change.record("task.retry", "task", task_id, **told)
    return after, changed


def _told(state: TaskState) -> dict[str, Any]:
    return {
        "status": state.status,
        "retry_count": state.retry_count,
        "error_message": state.error_message,
    }
