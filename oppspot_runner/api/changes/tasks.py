"""Changes of tasks, one at a time; see `bulk` for many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from oppspot_runner.api.bodies.tasks import EnqueueTask, NewTask, TaskEnqueued
from oppspot_runner.api.changing import Change
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.base.errors import OppspotError
from oppspot_runner.base.payload import MOST_NAME, object_json
from oppspot_runner.queue import producer, read
from oppspot_runner.queue.client import TaskState
from oppspot_runner.queue.producer import Added, OnConflict
from oppspot_runner.streams import directory

MOST_RECORDED = 100  # ids in one record of many tasks


async def enqueue(change: Change, new: EnqueueTask) -> TaskEnqueued:
    """Adds a task, unless its key is taken."""
    added = await _add(change, [new], new.on_conflict)
    made = TaskEnqueued(id=added.ids[0], outcome=_outcome(added))
    if made.outcome != "skipped":
        told = new.model_dump(mode="json", exclude={"payload", "on_conflict"}, exclude_none=True)
        await change.record("task.enqueue", "task", made.id, after=told)
    return made


async def enqueue_many(change: Change, new: Sequence[NewTask], on_conflict: OnConflict) -> Added:
    """Adds all of these tasks, or none."""
    added = await _add(change, new, on_conflict)
    if added.added or added.replaced:
        told = {
            "added": added.added,
            "skipped": added.skipped,
            "replaced": added.replaced,
            "agents": sorted({one.agent for one in new})[:MOST_RECORDED],
            "ids": [str(one) for one in added.ids[:MOST_RECORDED]],
        }
        await change.record("task.enqueue_many", "task", None, after=told)
    return added


async def retry(change: Change, task_id: UUID) -> tuple[TaskState, TaskState, bool]:
    """Puts a task in line again, or ends its back-off; how it was, how it is, and whether that
    changed anything."""
    before = await change.client.get(task_id)
    changed = await change.client.retry(task_id)
    after = await change.client.get(task_id)
    if changed:
        told = {"before": _told(before), "after": _told(after)}
        await change.record("task.retry", "task", task_id, **told)
    return before, after, changed


async def cancel(
    change: Change, task_id: UUID, reason: str | None = None
) -> tuple[TaskState, bool]:
    """Cancels a waiting task, or asks the runner of a running one to end it."""
    before = await change.client.get(task_id)
    changed = await change.client.cancel(task_id, reason)
    after = await change.client.get(task_id)
    if changed:
        told = {**_told(after), "reason": after.cancel_reason}
        await change.record("task.cancel", "task", task_id, before=_told(before), after=told)
    return after, changed


async def replay(
    change: Change, task_id: UUID, from_step: str | None, payload: dict[str, Any] | None
) -> tuple[UUID, int]:
    """Adds a task that does an ended one again; its id, and how many steps it begins with."""
    made = await change.client.replay(task_id, from_step=from_step, payload=payload)
    kept = len(await read.steps(change.database, made))
    told = {"id": str(made), "from_step": from_step, "other_payload": payload is not None}
    await change.record("task.replay", "task", task_id, after=told)
    return made, kept


async def _add(change: Change, new: Sequence[NewTask], on_conflict: OnConflict) -> Added:
    found: dict[str, UUID] = {}
    rows = []
    for place, task in enumerate(new):
        try:
            rows.append(await _row(change, task, found))
        except OppspotError as error:
            raise _at(place, len(new), error) from None
    added = await change.client.run(producer.add(rows, on_conflict, _common(change)))
    if added.refused:
        first = added.refused[0]
        raise _at(first.place, len(new), first.error)
    return added


async def _row(change: Change, task: NewTask, found: dict[str, UUID]) -> str:
    own = change.actor.org_id
    if own is not None and task.org_id not in (None, own):
        raise ApiError(ApiCode.FORBIDDEN, "org_id is that of another organisation")
    if task.agent not in found:
        found[task.agent] = await change.client.run(directory.find_agent(task.agent))
    options = task.model_dump(exclude={"agent", "payload", "unique_key", "on_conflict"})
    return producer.row(
        object_json(task.payload),
        agent_id=found[task.agent],
        unique_key=producer.checked_key(task.unique_key),
        **producer.checked_options(**options),
    )


def _common(change: Change) -> dict[str, Any]:
    return producer.checked_options(
        org_id=change.actor.org_id, requested_by=change.actor.name[:MOST_NAME]
    )


def _at(place: int, number: int, error: OppspotError) -> OppspotError:
    """The error of one of several tasks, with its place."""
    return error if number == 1 else type(error)(f"tasks.{place}: {error}", hint=error.hint)


def _outcome(added: Added) -> Any:
    return "added" if added.added else "replaced" if added.replaced else "skipped"


def _told(state: TaskState) -> dict[str, Any]:
    return {
        "status": state.status,
        "retry_count": state.retry_count,
        "scheduled_for": state.scheduled_for and state.scheduled_for.isoformat(),
        "error_message": state.error_message,
    }
