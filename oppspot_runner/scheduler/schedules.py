"""Schedules as people see them: which there are, when they fire next, pause, resume, run now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base import payload as checks
from oppspot_runner.base.due_times import DueTimes
from oppspot_runner.base.errors import ConflictError, InvalidInputError, NotFoundError
from oppspot_runner.base.schedule_options import REALTIME, schedule_options
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

LIST = statement("schedules/list")
SUMMARY = statement("schedules/summary")
PAUSE = statement("schedules/pause")
RESUME = statement("schedules/resume")
RUN_NOW = statement("schedules/run_now")

State = Literal["active", "paused", "inactive", "failed"]


@dataclass(frozen=True)
class Schedule:
    """One schedule and how it stands."""

    id: UUID
    agent_id: UUID
    agent_name: str | None
    stream_id: UUID | None
    stream_name: str | None
    expression: str
    timezone: str
    options: Any
    is_active: bool
    paused_at: datetime | None
    error: str | None
    since: datetime
    due_at: datetime | None
    last_due_at: datetime | None
    last_fired_at: datetime | None
    last_task_id: UUID | None
    now: datetime

    @property
    def state(self) -> State:
        """failed: see `error`; inactive: its agent or assignment is."""
        if self.error is not None:
            return "failed"
        if self.paused_at is not None:
            return "paused"
        return "active" if self.is_active else "inactive"

    @property
    def name(self) -> str:
        """How people call it."""
        agent = self.agent_name or str(self.agent_id)
        return f"{agent} in {self.stream_name or self.stream_id}" if self.stream_id else agent

    @property
    def has_skipped(self) -> bool:
        """Whether its newest due time started nothing, because the run before was still on."""
        return self.last_due_at is not None and (
            self.last_fired_at is None or self.last_due_at > self.last_fired_at
        )

    def coming(self, count: int) -> list[datetime]:
        """The next `count` due times from now, also of one that rests; fewer if there are fewer."""
        if self.expression == REALTIME:
            return []
        found = [max(self.now, self.since)]
        with suppress(InvalidInputError):  # `error` says it, as soon as a runner has looked
            times = DueTimes(self.expression, self.timezone)
            while len(found) <= count:
                found.append(times.next(found[-1]))
        return found[1:]


async def list_schedules(database: Database, agent_id: UUID | None = None) -> list[Schedule]:
    """All schedules, or those of an agent: failed ones first, then by their next due time."""
    rows = await database.fetch_all(LIST, {"agent_id": agent_id})
    return [_schedule(row) for row in rows]


async def summary(database: Database) -> DictRow:
    """How many schedules there are, `active` and `failed`, and the `next_due_at`."""
    row = await database.fetch_one(SUMMARY)
    assert row is not None
    return row


def first_coming(schedules: Iterable[Schedule], count: int) -> list[tuple[datetime, Schedule]]:
    """The next `count` due times of all that are active, in order."""
    active = [one for one in schedules if one.state == "active" and one.expression != REALTIME]
    active.sort(key=lambda one: one.due_at or one.now)
    # Only those whose next due time is among the first can have one among the first.
    found = [(due, one) for one in active[:count] for due in one.coming(count)]
    return sorted(found, key=lambda pair: pair[0])[:count]


async def find_schedule(database: Database, agent_id: UUID, stream_id: UUID | None) -> Schedule:
    """The schedule of an agent: its own, or that for a stream; its only one if it has but one.

    Raises NotFoundError, and InvalidInputError when several could be meant.
    """
    found = await list_schedules(database, agent_id)
    meant = [one for one in found if one.stream_id == stream_id]
    if not meant and stream_id is None:
        meant = found
    if not meant:
        raise NotFoundError(
            "there is no such schedule",
            hint="See `oppspot-runner schedules list`; `oppspot-runner enqueue` needs none.",
        )
    if len(meant) > 1:
        raise InvalidInputError(f"the agent has {len(meant)} schedules{_named(meant)}")
    return meant[0]


async def pause(database: Database, schedule: Schedule) -> None:
    """Lets a schedule rest until it is resumed. What it has started goes on."""
    await database.execute(PAUSE, {"id": schedule.id})


async def resume(database: Database, schedule: Schedule) -> bool:
    """Lets one that rests or failed fire again, from now on; False when it did neither.

    Raises InvalidInputError for one that still means nothing.
    """
    schedule_options(schedule.options)
    if schedule.expression != REALTIME:
        DueTimes(schedule.expression, schedule.timezone)
    return await database.execute(RESUME, {"id": schedule.id}) > 0


async def run_now(database: Database, schedule: Schedule) -> UUID:
    """Starts what a tick would start, whatever is on; returns the task's id.

    Raises ConflictError for one that is inactive, NotFoundError when it is gone.
    """
    if not schedule.is_active:
        raise ConflictError(
            f"{schedule.name} is inactive",
            hint="`oppspot-runner agents update --active`, or `streams assign --active --auto`.",
        )
    row = await database.fetch_one(RUN_NOW, {"id": schedule.id})
    if row is None:
        raise NotFoundError(f"the schedule of {schedule.name} is gone")
    task: UUID = row["task_id"]
    return task


def _named(several: Sequence[Schedule]) -> str:
    names = sorted({str(one.stream_name or one.stream_id) for one in several})
    return f", one for each of the streams {', '.join(names[:5])}: name one with --stream"


def _schedule(row: DictRow) -> Schedule:
    return Schedule(**{**row, "options": checks.read_json(row["options"])})
