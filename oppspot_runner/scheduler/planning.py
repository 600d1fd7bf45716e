"""What becomes of a schedule at a look: which due times fire, and when the next look is.

Knows no database: a row goes in, a plan comes out.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from oppspot_runner.base import payload as checks
from oppspot_runner.base.due_times import DueTimes
from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.schedule_options import REALTIME, ScheduleOptions, schedule_options

GRACE = timedelta(minutes=1)  # a tick that is later than this was missed
QUEUE_LOOK = timedelta(seconds=1)  # how often a tick in the queue asks whether the run has ended
MOST_ERROR = 500  # characters


@dataclass(frozen=True)
class Due:
    """A schedule that is looked at: its row, and how its newest run stands."""

    id: UUID
    expression: str
    timezone: str
    options: str
    since: datetime
    due_at: datetime | None
    look_at: datetime
    now: datetime
    is_on: bool
    is_waiting: bool
    has_signals: bool = False


@dataclass(frozen=True)
class Plan:
    """How a schedule stands after the look. `ticks` start tasks, or with `starts` False none."""

    id: UUID
    since: datetime
    due_at: datetime | None = None
    look_at: datetime | None = None
    ticks: tuple[datetime, ...] = ()
    starts: bool = True
    error: str | None = None


def plan(due: Due) -> Plan:
    """What to do with a schedule now. One that means nothing is disabled, with the reason."""
    try:
        options = schedule_options(checks.read_json(due.options))
        if due.expression == REALTIME:
            return _called(due, options)
        return _timed(due, options, DueTimes(due.expression, due.timezone))
    except InvalidInputError as error:
        return disabled(due, error.one_line())
    except Exception as error:  # noqa: BLE001 - whatever a text provokes stops its schedule only
        return disabled(due, f"{due.expression[:80]!r}: {error!r}")


def disabled(due: Due, reason: str) -> Plan:
    """The schedule fires no more until somebody changes it."""
    return Plan(due.id, due.since, due.due_at, error=reason[:MOST_ERROR])


def _called(due: Due, options: ScheduleOptions) -> Plan:
    """Realtime: what was gained is for one run, which begins when the one before has ended.

    One that waits to begin will see it, except for new signals: its payload was written without.
    """
    if due.due_at is None or (due.is_waiting and not due.has_signals):
        return Plan(due.id, due.since)
    if due.is_on and options.overlap != "allow":
        return Plan(due.id, due.since, due.due_at, due.now + QUEUE_LOOK)
    return Plan(due.id, due.since, ticks=(due.due_at,))


def _timed(due: Due, options: ScheduleOptions, times: DueTimes) -> Plan:
    if (first := times.next(due.since)) > due.now:
        return _until(first, due, options, since=due.since)
    if due.is_on and options.overlap == "queue":
        return Plan(due.id, due.since, first, due.now + QUEUE_LOOK)
    passed = times.latest(due.since, due.now, options.limit if options.misfire == "all" else 1)
    if options.overlap == "queue":
        passed = passed[:1]  # the others after it, each when the one before has ended
    newest = passed[-1]
    blocked = due.is_on and options.overlap == "skip"
    if options.misfire == "skip" and due.now - max(newest, due.look_at) > GRACE:
        passed = []
    elif blocked:
        passed = [newest]
    made = _until(times.next(newest), due, options, since=newest)
    return replace(made, ticks=tuple(passed), starts=not blocked)


def _until(first: datetime, due: Due, options: ScheduleOptions, *, since: datetime) -> Plan:
    """Nothing to do before `first`, and the jitter that is drawn for it."""
    jitter = options.jitter * random.random()  # noqa: S311 - spreads load, hides nothing
    return Plan(due.id, since, first, first + jitter)
