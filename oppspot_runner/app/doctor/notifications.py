"""Rules that could tell nobody, and messages that were not delivered."""

from __future__ import annotations

import shlex

from oppspot_runner.app.doctor.finding import Finding, Patient
from oppspot_runner.notifications import directory
from oppspot_runner.notifications.channels import what_is_missing

TEST = "oppspot-runner notifications test"


async def look_at_notifications(patient: Patient) -> list[Finding]:
    """Whether rules have what their channels need, here, and messages reach people."""
    rules = [one for one in await directory.rules(patient.database) if one["is_active"]]
    found = []
    for rule in rules:
        given = (rule["channel"], rule["target"], rule["secret"], patient.settings)
        if fault := what_is_missing(*given):
            text = f"the rule {rule['name']} can tell nobody with these settings: {fault}"
            found.append(Finding("notifications", "warn", text, _test(rule["name"])))
    for row in await directory.undelivered(patient.database):
        died = row["status"] == "failed"
        text = (
            f"a message about {row['count']} event(s) of the rule {row['rule']} was not delivered,"
            f" {'and is given up' if died else 'and is tried again'}: {row['error_message']}"
        )
        retry = f"oppspot-runner tasks retry {row['task_id']}"
        fix = f"{_test(row['rule'])}  # then {retry}" if died else _test(row["rule"])
        found.append(Finding("notifications", "warn", text, fix))
    told = f"{len(rules)} rule(s) can tell people" if rules else "no rule asks for any"
    return found or [Finding("notifications", "ok", told)]


def _test(rule: str) -> str:
    return f"{TEST} {shlex.quote(rule)}"
