"""The runners, and work that should have moved by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg.rows import DictRow

from oppspot_runner.app.doctor.finding import Finding, Patient, Severity
from oppspot_runner.app.status import left_lying, sick
from oppspot_runner.base.task import HEALTH_CHECK
from oppspot_runner.db.files import statement
from oppspot_runner.queue import read

STUCK = statement("doctor/stuck")

MOST_LAG_MS = 1_000
LATE_POLLS = 3
LEAST_LATE_S = 15.0
MOST_COUNTED = 1_000  # the bound of doctor/stuck


async def look_at_runners(patient: Patient) -> list[Finding]:
    """Whether runners are alive, answer, and take what is due."""
    rows = await read.runners(patient.database)
    alive = [row for row in rows if row["alive"]]
    found = list(_faults(rows))
    poll_s = max((row["poll_s"] for row in alive), default=0.0)
    found += [
        Finding("runners", "fail", text, "oppspot-runner doctor --deep")
        for text in await left_lying(patient.database, poll_s)
    ]
    if not alive:
        found.append(Finding("runners", "warn", "no runner is alive", "oppspot-runner start"))
    slots = sum(row["slots"] for row in alive)
    return found or [Finding("runners", "ok", f"{len(alive)} alive with {slots} slots, all well")]


def _faults(rows: Sequence[DictRow]) -> Iterator[Finding]:
    for row in rows:
        fix = f"oppspot-runner stop --runner {row['id']} --now" if row["alive"] else None
        for text in sick([row]):
            yield Finding("runners", "fail", text, fix or "oppspot-runner start")
        if row["alive"] and row["lag_ms"] > MOST_LAG_MS:
            late = f"the loop of runner {row['id']} answered {row['lag_ms']} ms late"
            text = f"{late}: an agent blocks it"
            yield Finding("runners", "warn", text, '@agent(..., isolation="thread")')


async def look_at_stuck_tasks(patient: Patient) -> list[Finding]:
    """Whether tasks lie there that should have moved by themselves."""
    alive = [row for row in await read.runners(patient.database) if row["alive"]]
    poll_s = max((row["poll_s"] for row in alive), default=patient.settings.poll_interval)
    late = {"late_s": max(LATE_POLLS * poll_s, LEAST_LATE_S)}
    rows = await patient.database.fetch_all(STUCK, late)
    # Without a runner nothing moves, and that is said already.
    severity: Severity = "fail" if alive else "warn"
    found = []
    for kind, what, worst in (
        ("lost", "are in the name of a runner that is gone", severity),
        ("overdue", "are due and were not put in line", severity),
        ("not served", "are of a type that no live runner takes", "warn"),
    ):
        found += [_stuck(row, what, worst) for row in _first_of_each(rows, kind)]
    return found or [Finding("tasks", "ok", "none is stuck")]


def _first_of_each(rows: Sequence[DictRow], kind: str) -> list[DictRow]:
    """One row of that kind; of tasks that nobody serves, one a type."""
    mine = [row for row in rows if row["kind"] == kind]
    return mine if kind == "not served" else mine[:1]


def _stuck(row: DictRow, what: str, severity: Severity) -> Finding:
    if row["tasks"] is None:
        text = f"tasks of the type {row['task_type']}, such as {row['id']}, {what}"
        # One that a --deep left behind is for a runner that will not come back.
        left_behind = row["task_type"].startswith(HEALTH_CHECK)
        cancel = f"oppspot-runner tasks cancel {row['id']}"
        fix = cancel if left_behind else f"oppspot-runner start --task-type {row['task_type']}"
        return Finding("tasks", severity, text, fix)
    many = f"at least {row['tasks']}" if row["tasks"] >= MOST_COUNTED else str(row["tasks"])
    fix = f"oppspot-runner tasks explain {row['id']}"
    return Finding("tasks", severity, f"{many} task(s), such as {row['id']}, {what}", fix)
