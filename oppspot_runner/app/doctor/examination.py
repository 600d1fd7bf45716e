"""The whole examination: every check in turn, none of which can keep the others from their look."""

from __future__ import annotations

import psycopg

from oppspot_runner.app.database import opened, running_dsn
from oppspot_runner.app.doctor.bloat import (
    look_at_autovacuum,
    look_at_dead_rows,
    look_at_snapshots,
)
from oppspot_runner.app.doctor.claiming import look_at_claim
from oppspot_runner.app.doctor.configuration import look_at_settings
from oppspot_runner.app.doctor.connection import (
    look_at_clocks,
    look_at_connections,
    look_at_disk,
    look_at_pooler,
    look_at_server,
)
from oppspot_runner.app.doctor.deep import send_health_checks
from oppspot_runner.app.doctor.finding import Check, Finding, Patient
from oppspot_runner.app.doctor.fleet import look_at_runners, look_at_stuck_tasks
from oppspot_runner.app.doctor.notifications import look_at_notifications
from oppspot_runner.app.doctor.outside import look_at_agents, look_at_hosts
from oppspot_runner.app.doctor.schedules import look_at_schedules
from oppspot_runner.app.doctor.schema import (
    look_at_indexes,
    look_at_organisations,
    look_at_policies,
    look_at_rights,
    look_at_schema,
)
from oppspot_runner.app.doctor.scouts import look_at_scouts
from oppspot_runner.app.doctor.workers import look_at_workers
from oppspot_runner.base.errors import DatabaseError, SchemaError
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import DATABASE_ERROR
from oppspot_runner.db.refusals import refusal

CHECKS: dict[str, Check] = {
    "database": look_at_server,
    "schema": look_at_schema,
    "pooler": look_at_pooler,
    "clock": look_at_clocks,
    "connections": look_at_connections,
    "disk": look_at_disk,
    "indexes": look_at_indexes,
    "rights": look_at_rights,
    "row security": look_at_policies,
    "organisations": look_at_organisations,
    "snapshots": look_at_snapshots,
    "autovacuum": look_at_autovacuum,
    "dead rows": look_at_dead_rows,
    "claim": look_at_claim,
    "runners": look_at_runners,
    "tasks": look_at_stuck_tasks,
    "workers": look_at_workers,
    "schedules": look_at_schedules,
    "agents": look_at_agents,
    "hosts": look_at_hosts,
    "scouts": look_at_scouts,
    "notifications": look_at_notifications,
}
# What to do about a check that failed itself: for lack of rights, or for another reason.
ASK_AGAIN = {
    True: "oppspot-runner doctor  # as the role of the runners",
    False: "oppspot-runner --debug status",
}


async def examine(settings: Settings, *, deep: bool = False) -> list[Finding]:
    """Everything that can be looked at with these settings, in the order of the checks.

    `deep`: also sends a task through every runner.
    """
    checks = {**CHECKS, "health check": send_health_checks} if deep else CHECKS
    found = look_at_settings(settings)
    if running_dsn(settings) is None:
        text = "the private Postgres is not running; it starts with the first runner"
        return [*found, Finding("database", "warn", text, "oppspot-runner start")]
    try:
        async with opened(settings) as database:
            patient = Patient(database, settings)
            for name, check in checks.items():
                behind = any(one.check == "schema" and one.severity == "fail" for one in found)
                found += await _looked(name, check, patient, behind=behind)
    except DatabaseError as error:
        found.append(Finding("database", "fail", str(error), error.hint))
    return found


async def _looked(name: str, check: Check, patient: Patient, *, behind: bool) -> list[Finding]:
    """What `check` finds. What it misses in a schema that is behind is not worth a word."""
    try:
        return await check(patient)
    except DATABASE_ERROR as error:
        told = refusal(error) or DatabaseError(str(error))
        if isinstance(told, SchemaError) and behind:
            return []
        denied = isinstance(error, psycopg.errors.InsufficientPrivilege)
        text = f"could not be looked at: {' '.join(str(told).split())}"
        return [Finding(name, "warn" if denied else "fail", text, told.hint or ASK_AGAIN[denied])]
