"""Schedules that do not fire, and why."""

from __future__ import annotations

from psycopg.rows import DictRow

from oppspot_runner.app.doctor.finding import Finding, Patient
from oppspot_runner.base.wording import span
from oppspot_runner.db.files import statement
from oppspot_runner.queue import read

SCHEDULES = statement("doctor/schedules")

LATE_S = 60.0


async def look_at_schedules(patient: Patient) -> list[Finding]:
    """Whether schedules mean something, and runners deal with those that are due."""
    rows = await patient.database.fetch_all(SCHEDULES, {"late_s": LATE_S})
    wrong = [_wrong(row) for row in rows if row["error"] is not None]
    late = next((row for row in rows if row["error"] is None), None)
    # Without a runner nothing fires, and that is said already.
    if late is not None and any(row["alive"] for row in await read.runners(patient.database)):
        text = f"{_named(late)} is due since {span(late['late_s'])} and nobody dealt with it"
        wrong.append(Finding("schedules", "fail", text, "oppspot-runner schedules list"))
    return wrong or [Finding("schedules", "ok", "all can be read")]


def _wrong(row: DictRow) -> Finding:
    text = f"{_named(row)} fires no more: {row['error']}"
    agent = f"'{row['agent_name'] or row['agent_id']}'"
    of_agent = f"oppspot-runner agents update {agent} --cron '0 9 * * *' --timezone Europe/London"
    of_stream = f"oppspot-runner streams assign STREAM {agent} --frequency daily"
    return Finding("schedules", "warn", text, of_stream if row["assignment_id"] else of_agent)


def _named(row: DictRow) -> str:
    return f"the schedule {row['expression'][:80]!r} of {row['agent_name'] or row['agent_id']}"
