"""Schedules that do not fire, and why."""

from __future__ import annotations

import shlex

from psycopg.rows import DictRow

from oppspot_runner.app.doctor.finding import Finding, Patient
from oppspot_runner.base.cron import timezone_name
from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.payload import read_json
from oppspot_runner.base.schedule_options import ScheduleOptionError, schedule_options
from oppspot_runner.base.wording import span
from oppspot_runner.db.files import statement
from oppspot_runner.queue import read

SCHEDULES = statement("doctor/schedules")

MEND_OPTION = statement("doctor/mend_option")

LATE_S = 60.0
LIST = "oppspot-runner schedules list"


async def look_at_schedules(patient: Patient) -> list[Finding]:
    """Whether schedules mean something, and runners deal with those that are due."""
    rows = await patient.database.fetch_all(SCHEDULES, {"late_s": LATE_S})
    wrong = [await _wrong(patient, row) for row in rows if row["error"] is not None]
    late = next((row for row in rows if row["error"] is None), None)
    # Without a runner nothing fires, and that is said already.
    if late is not None and any(row["alive"] for row in await read.runners(patient.database)):
        text = f"{_named(late)} is due since {span(late['late_s'])} and nobody dealt with it"
        wrong.append(Finding("schedules", "fail", text, LIST))
    return wrong or [Finding("schedules", "ok", "all can be read")]


async def _wrong(patient: Patient, row: DictRow) -> Finding:
    text = f"{_named(row)} fires no more: {row['error']}"
    return Finding("schedules", "warn", text, await _mend(patient, row))


async def _mend(patient: Patient, row: DictRow) -> str:
    """What sets the part that is wrong, in the order in which a runner looks at them."""
    agent = shlex.quote(row["agent_name"] or str(row["agent_id"]))
    try:
        schedule_options(read_json(row["options"]))
        timezone_name(row["timezone"])
    except ScheduleOptionError as error:
        which = {"schedule_id": row["id"], "key": error.key}
        mend = await patient.database.fetch_one(MEND_OPTION, which)
        return str(mend["fix"]) if mend else LIST
    except InvalidInputError:
        return f"oppspot-runner agents update {agent} --timezone Europe/London"
    if row["stream_name"] is not None:
        stream = shlex.quote(row["stream_name"])
        return f"oppspot-runner streams assign {stream} {agent} --frequency daily"
    return f"oppspot-runner agents update {agent} --cron '0 9 * * *'"


def _named(row: DictRow) -> str:
    return f"the schedule {row['expression'][:80]!r} of {row['agent_name'] or row['agent_id']}"
