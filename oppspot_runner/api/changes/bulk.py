"""The same done to many tasks: to some, or to a portion of all that match.

What is done to a portion is one change with one record. Tasks are changed in the order of their
ids, in which everybody locks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from oppspot_runner.api.bodies.bulk import Action, BulkRefused, BulkRequest, BulkResult
from oppspot_runner.api.changing import Change
from oppspot_runner.api.paging import encode, place_after
from oppspot_runner.api.reads import tasks as reads
from oppspot_runner.api.reads.tasks import TaskFilter
from oppspot_runner.base.errors import ConflictError, InvalidInputError, NotFoundError
from oppspot_runner.base.task import TaskStatus
from oppspot_runner.db.files import statement
from oppspot_runner.queue import dead_letters

STATUSES = statement("tasks/statuses")
CANCEL_MANY = statement("tasks/cancel_many")

MOST_RECORDED = 100  # ids in one record
WHICH: dict[Action, frozenset[TaskStatus]] = {
    "retry": frozenset(("completed", "failed", "cancelled")),
    "cancel": frozenset(("pending", "processing")),
    "discard": frozenset(("failed",)),
}


@dataclass(frozen=True)
class Done:
    """Which tasks were changed, and why others were not."""

    ids: list[UUID]
    refused: list[BulkRefused]


async def answer(change: Change, asked: BulkRequest) -> BulkResult:
    """Does what is asked. Raises InvalidInputError unless tasks are either named or filtered."""
    if (asked.ids is None) == (asked.filter is None):
        raise InvalidInputError("give either ids or a filter", hint="An empty filter means all.")
    ids, after = asked.ids or [], None
    if asked.filter is not None:
        (before,) = place_after(asked.cursor, UUID) or (None,)
        wanted = fitting(asked.filter.wanted(), asked.action)
        if wanted is not None:
            ids, after = await reads.matching(
                change.database, wanted, limit=asked.limit, before=before
            )
    told = asked.filter.model_dump(mode="json", exclude_defaults=True) if asked.filter else None
    done = await do(
        change, asked.action, ids, reason=asked.reason, dry_run=asked.dry_run, chosen_by=told
    )
    return BulkResult(
        action=asked.action,
        dry_run=asked.dry_run,
        matched=len(ids),
        changed=0 if asked.dry_run else len(done.ids),
        ids=done.ids,
        refused=done.refused,
        next_cursor=None if after is None else encode([after]),
    )


def fitting(wanted: TaskFilter, action: Action) -> TaskFilter | None:
    """`wanted`, only of statuses that an action fits; None when there is none of these."""
    usual = WHICH[action] - {"completed"}  # those are done again only when somebody says so
    statuses = sorted(WHICH[action] & set(wanted.statuses) if wanted.statuses else usual)
    return replace(wanted, statuses=tuple(statuses)) if statuses else None


async def do(
    change: Change,
    action: Action,
    ids: Sequence[UUID],
    *,
    reason: str | None = None,
    dry_run: bool = False,
    chosen_by: dict[str, Any] | None = None,
) -> Done:
    """Does `action` to those of `ids` that it fits. `chosen_by`, the filter, is recorded."""
    rows = await change.database.fetch_all(STATUSES, {"ids": list(ids)})
    statuses = {row["id"]: row["status"] for row in rows}
    fit = [one for one, status in statuses.items() if status in WHICH[action]]
    changed = fit if dry_run else await _apply(change, action, fit, statuses, reason)
    refused = [
        BulkRefused(id=one, error=_why(one, statuses, WHICH[action]))
        for one in ids
        if one not in set(changed)
    ]
    if changed and not dry_run:
        told = {
            "changed": len(changed),
            "ids": [str(one) for one in changed[:MOST_RECORDED]],
            "filter": chosen_by,
            "reason": reason,
        }
        await change.record(f"task.{action}_many", "task", None, after=told)
    return Done(changed, refused)


async def _apply(
    change: Change,
    action: Action,
    ids: list[UUID],
    statuses: dict[UUID, str],
    reason: str | None,
) -> list[UUID]:
    if action == "discard":
        return sorted(await dead_letters.discard(change.database, ids, reason or "discarded"))
    if action == "cancel":
        rows = await change.database.fetch_all(CANCEL_MANY, {"ids": ids, "reason": reason})
        return sorted(row["id"] for row in rows if row["done"])
    failed = [one for one in ids if statuses[one] == "failed"]
    others = [one for one in ids if statuses[one] != "failed"]
    changed = await dead_letters.requeue(change.database, failed) if failed else []
    return sorted([*changed, *[one for one in others if await _retried(change, one)]])


async def _retried(change: Change, task_id: UUID) -> bool:
    try:
        return await change.client.retry(task_id)
    except (ConflictError, NotFoundError):
        return False


def _why(task_id: UUID, statuses: dict[UUID, str], fit: frozenset[TaskStatus]) -> str:
    status = statuses.get(task_id)
    if status is None:
        return "there is no such task"
    if status not in fit:
        return f"it is {status}"
    return "another task with its unique key waits or runs, or it was changed meanwhile"
