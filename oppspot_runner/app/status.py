"""How things stand: one answer for `oppspot-runner status` and for HTTP.

A runner is unhealthy when its heartbeat is late, when its event loop stands still, or when it died
with tasks in its name. The whole is unhealthy when work is left lying: a task that nothing holds
back has been due for two polls, a runner that may take it has a free slot, and in that time no
attempt was begun or ended anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil
from statistics import mean
from typing import Any, Literal

from psycopg.rows import DictRow

from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.breakers import open_breakers
from oppspot_runner.limits.host_breakers import open_host_breakers
from oppspot_runner.notifications.directory import undelivered
from oppspot_runner.queue import control, read
from oppspot_runner.queue.dead_letters import agents_in_need
from oppspot_runner.scheduler import schedules

State = Literal["running", "paused", "stopped"]
LATE_BEATS = 2
STANDSTILL_MS = 10_000  # of the event loop; shorter ones are only in the log
LATE_POLLS = 2
LEAST_LATE_S = 2.0  # a poll of 50 ms is no reason to call 100 ms of waiting a fault
MOST_RECENT = 10
STATUSES = ("pending", "processing", "completed", "failed", "cancelled", "total")
RUNNER_FIELDS = (
    "host",
    "pid",
    "state",
    "slots",
    "running",
    "heartbeat_age_s",
    "started_at",
    "wake",
    "lag_ms",
    "hanging",
    "version",
    "labels",
    "task_types",
)
WANTED_FIELDS = ("task_type", "labels", "ready", "running", "slots")
BREAKER_FIELDS = (
    "agent_id",
    "agent_name",
    "state",
    "failures",
    "last_error",
    "opened_at",
    "next_try_at",
)
HOST_FIELDS = (
    "source",
    "host",
    "state",
    "failures",
    "last_error",
    "opened_at",
    "next_try_at",
)
UNDELIVERED_FIELDS = ("rule", "event", "channel", "count", "first_at", "status", "error_message")
NEED_FIELDS = ("agent_id", "agent_name", "tasks", "error", "failed_at")
TASK_FIELDS = (
    "id",
    "agent_id",
    "agent_name",
    "agent_type",
    "task_type",
    "status",
    "priority",
    "attempt",
    "retry_count",
    "progress",
    "error_message",
    "created_at",
    "scheduled_for",
    "started_at",
    "finished_at",
    "duration_ms",
)


@dataclass(frozen=True)
class Status:
    """How things stand. `waiting` are pending tasks whose agents wait, by what they wait for;
    `hosts` are left alone after failures; agents `in_need` have failed tasks that wait for people;
    `undelivered` are notifications that failed; `wanted` are slots, by what a runner must serve;
    `problems` says in sentences what is unhealthy."""

    state: State
    polling_interval_ms: int
    slots: int
    stats: dict[str, int]
    runners: list[DictRow] = field(default_factory=list)
    running: list[DictRow] = field(default_factory=list)
    recent: list[DictRow] = field(default_factory=list)
    pauses: list[DictRow] = field(default_factory=list)
    breakers: list[DictRow] = field(default_factory=list)
    hosts: list[DictRow] = field(default_factory=list)
    in_need: list[DictRow] = field(default_factory=list)
    undelivered: list[DictRow] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    schedules: dict[str, Any] = field(default_factory=dict)
    wanted: list[DictRow] = field(default_factory=list)
    wanted_runners: int = 0

    def body(self) -> dict[str, Any]:
        """The shape that the command line and HTTP share; times are datetimes."""
        return {
            "success": True,
            "runner": as_one(self.state, self.polling_interval_ms, self.slots),
            "stats": self.stats,
            "runners": [{"id": row["id"], **_picked(row, RUNNER_FIELDS)} for row in self.runners],
            "wanted_runners": self.wanted_runners,
            "wanted_slots": [_picked(row, WANTED_FIELDS) for row in self.wanted],
            "waiting": self.waiting,
            "breakers": [_picked(row, BREAKER_FIELDS) for row in self.breakers],
            "hosts": [_picked(row, HOST_FIELDS) for row in self.hosts],
            "attention": [_picked(row, NEED_FIELDS) for row in self.in_need],
            "undelivered": [_picked(row, UNDELIVERED_FIELDS) for row in self.undelivered],
            "recent_tasks": [_picked(row, TASK_FIELDS) for row in [*self.running, *self.recent]],
        }


def as_one(state: State, polling_interval_ms: int, slots: int) -> dict[str, Any]:
    """All runners as one, as the command line and HTTP show them."""
    return {
        "status": state,
        "polling_interval": polling_interval_ms,
        "max_concurrent_tasks": slots,
    }


def nothing(settings: Settings) -> Status:
    """The status where there is no database yet, so that nothing can run."""
    return Status("stopped", int(settings.poll_interval * 1000), 0, dict.fromkeys(STATUSES, 0))


async def read_status(database: Database, settings: Settings) -> Status:
    """Reads all of it. `settings` give the polling interval while no runner is alive."""
    fleet = await read_fleet(database, settings)
    share = await _share(database, fleet, await read.stats(database))
    wanted = await read.wanted_slots(database)
    problems = [*sick(fleet.runners), *await left_lying(database, fleet.longest_poll_s)]
    return replace(
        share,
        runners=fleet.runners,
        pauses=await control.pauses(database),
        hosts=await open_host_breakers(database),
        schedules=await schedules.summary(database),
        problems=problems,
        wanted=wanted,
        wanted_runners=ceil(sum(row["slots"] for row in wanted) / fleet.usual_slots),
    )


@dataclass(frozen=True)
class Fleet:
    """The runners of an installation. Both intervals are of live ones; without any, the longest
    is 0 and the shortest that of the settings. `usual_slots` are those of a runner, on average."""

    runners: list[DictRow]
    state: State
    slots: int
    poll_s: float
    longest_poll_s: float
    usual_slots: float

    def as_one(self) -> dict[str, Any]:
        """All runners as one."""
        return as_one(self.state, round(self.poll_s * 1000), self.slots)


async def read_fleet(database: Database, settings: Settings) -> Fleet:
    """Reads who runs. `settings` give the polling interval while no runner is alive."""
    runners = [_shown(row) for row in await read.runners(database)]
    alive = [row for row in runners if row["alive"]]
    return Fleet(
        runners=runners,
        state=_state(alive),
        slots=sum(row["slots"] for row in alive),
        poll_s=min((row["poll_s"] for row in alive), default=settings.poll_interval),
        longest_poll_s=max((row["poll_s"] for row in alive), default=0.0),
        usual_slots=mean(row["slots"] for row in alive) if alive else settings.concurrency,
    )


async def read_share(database: Database, fleet: Fleet) -> Status:
    """What is told to whom the installation does not belong: his tasks, and no names of hosts."""
    return await _share(database, fleet, await read.own_stats(database))


async def _share(database: Database, fleet: Fleet, stats: dict[str, int]) -> Status:
    return Status(
        state=fleet.state,
        polling_interval_ms=round(fleet.poll_s * 1000),
        slots=fleet.slots,
        stats=stats,
        running=await read.running(database),
        recent=await read.recent(database, limit=MOST_RECENT),
        breakers=await open_breakers(database),
        in_need=await agents_in_need(database),
        undelivered=await undelivered(database),
        waiting=await read.waiting(database),
    )


def _state(alive: list[DictRow]) -> State:
    states = {row["state"] for row in alive} - {"stopped"}
    if not states:
        return "stopped"
    return "paused" if states == {"paused"} else "running"


def sick(runners: list[DictRow]) -> list[str]:
    """What is wrong with runners, rows of runners/list, in sentences."""
    found = []
    for row in runners:
        where = f"runner {row['id']} on {row['host']} (pid {row['pid']})"
        age_s = row["heartbeat_age_s"]
        if not row["alive"]:
            found.append(
                f"{where} died {age_s:.0f} s ago with {row['running']} task(s) in its name"
            )
        elif age_s > LATE_BEATS * row["beat_s"]:
            found.append(f"{where} has not been heard of for {age_s:.0f} s")
        elif row["lag_ms"] >= STANDSTILL_MS:
            found.append(
                f"{where} stands still for {row['lag_ms'] / 1000:.0f} s: an agent blocks its event "
                "loop, and its log names it"
            )
    return found


async def left_lying(database: Database, poll_s: float) -> list[str]:
    """Whether due work is left lying, in a sentence; `poll_s` is the longest interval."""
    late_s = max(LATE_POLLS * poll_s, LEAST_LATE_S)
    backlog = await read.backlog(database, lately_s=late_s)
    if poll_s == 0 or backlog.moving or backlog.waiting_s <= late_s:
        return []
    return [
        f"a task has been due for {backlog.waiting_s:.0f} s, slots are free, and nothing was begun"
    ]


def _shown(row: DictRow) -> DictRow:
    return row if row["alive"] else {**row, "state": "dead"}


def _picked(row: DictRow, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names}
