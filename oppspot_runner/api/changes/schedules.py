"""Changes of schedules: what starts by itself rests, goes on, or starts now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from oppspot_runner.api.changing import Change
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.db.pool import Database
from oppspot_runner.scheduler import schedules
from oppspot_runner.scheduler.schedules import Schedule


async def find(database: Database, schedule_id: UUID) -> Schedule:
    """One schedule. Raises NotFoundError."""
    for one in await schedules.list_schedules(database):
        if one.id == schedule_id:
            return one
    raise NotFoundError(
        f"there is no schedule {schedule_id}", hint="See `oppspot-runner schedules list`."
    )


async def pause(change: Change, schedule_id: UUID) -> Schedule:
    """Lets a schedule rest until it is resumed. Raises NotFoundError."""
    before = await find(change.database, schedule_id)
    await schedules.pause(change.database, before)
    return await _recorded(change, "pause", before)


async def resume(change: Change, schedule_id: UUID) -> Schedule:
    """Lets one that rests or failed fire again. Raises NotFoundError, InvalidInputError."""
    before = await find(change.database, schedule_id)
    await schedules.resume(change.database, before)
    return await _recorded(change, "resume", before)


async def run_now(change: Change, schedule_id: UUID) -> UUID:
    """Starts what a tick would start, whatever is on; the task.

    Raises NotFoundError, and ConflictError for one that is inactive.
    """
    one = await find(change.database, schedule_id)
    task = await schedules.run_now(change.database, one)
    await change.record("schedule.run_now", "schedule", schedule_id, after={"task_id": str(task)})
    return task


async def _recorded(change: Change, verb: str, before: Schedule) -> Schedule:
    after = await find(change.database, before.id)
    told = {"before": _told(before), "after": _told(after)}
    await change.record(f"schedule.{verb}", "schedule", before.id, **told)
    return after


def _told(one: Schedule) -> dict[str, Any]:
    return {"name": one.name, "expression": one.expression, "state": one.state}
