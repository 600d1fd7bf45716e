"""The same done to many tasks: to some, or to a portion of all that match.

What is done to a portion is one change with one record. Tasks are changed in the order of their
ids, in which everybody locks them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel

from oppspot_runner.api.bodies.bulk import (
    Action,
    BulkRefused,
    BulkRequest,
    BulkResult,
    TaskQuery,
)
from oppspot_runner.api.bodies.dead_letters import ChangeDeadLetters, DeadLetterFilter
from oppspot_runner.api.changing import Change
from oppspot_runner.api.paging import encode, id_after
from oppspot_runner.api.reads import dead_letters as dead_letter_reads
from oppspot_runner.api.reads import tasks as reads
from oppspot_runner.api.reads.tasks import TaskFilter
from oppspot_runner.base.errors import ConflictError, InvalidInputError, NotFoundError
from oppspot_runner.base.task import TaskStatus
from oppspot_runner.db.files import statement
from oppspot_runner.queue import dead_letters

STATUSES = statement("tasks/statuses")
CANCEL_MANY = statement("tasks/cancel_many")

# Ids, and after which to go on.
Portion: TypeAlias = tuple[list[UUID], UUID | None]
F = TypeVar("F", bound=BaseModel)
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

    async def matching(wanted: TaskQuery, before: UUID | None) -> Portion:
        fit = fitting(wanted.wanted(), asked.action)
        if fit is None:
            return [], None
        return await reads.matching(change.database, fit, limit=asked.limit, before=before)

    return await _answer(change, asked, asked.action, asked.filter, matching, asked.reason)


async def answer_of_dead_letters(
    change: Change, action: Action, asked: ChangeDeadLetters, reason: str | None = None
) -> BulkResult:
    """Does `action` to dead letters, as `answer` to tasks."""

    async def matching(wanted: DeadLetterFilter, before: UUID | None) -> Portion:
        rows, after = await dead_letter_reads.page(
            change.database, wanted.wanted(wanted.fingerprint), limit=asked.limit, before=before
        )
        return [row["id"] for row in rows], after

    return await _answer(change, asked, action, asked.filter, matching, reason)


async def _answer(
    change: Change,
    asked: BulkRequest | ChangeDeadLetters,
    action: Action,
    filtered: F | None,
    matching: Callable[[F, UUID | None], Awaitable[Portion]],
    reason: str | None,
) -> BulkResult:
    if (asked.ids is None) == (filtered is None):
        raise InvalidInputError("give either ids or a filter", hint="An empty filter means all.")
    ids, after = asked.ids or [], None
    told = None
    if filtered is not None:
        ids, after = await matching(filtered, id_after(asked.cursor))
        told = filtered.model_dump(mode="json", exclude_defaults=True)
    done = await do(change, action, ids, reason=reason, dry_run=asked.dry_run, chosen_by=told)
    return BulkResult(
        action=action,
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
