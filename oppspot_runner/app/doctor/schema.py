"""The schema: its version, the indexes that it should have, and who may see its rows."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import NamedTuple

from oppspot_runner.app.doctor.finding import Finding, Patient, Severity
from oppspot_runner.db.acting import LACKS
from oppspot_runner.db.files import migrations, statement
from oppspot_runner.db.migrate import schema_state

INDEXES = statement("doctor/indexes")
POLICIES = statement("doctor/policies")
RIGHTS = statement("doctor/rights")

TABLE = re.compile(r"^CREATE TABLE (?:IF NOT EXISTS )?(\w+) \(", re.MULTILINE)
INDEX = re.compile(
    r"^(?:CREATE (?P<unique>UNIQUE )?INDEX (?P<name>\w+) (?P<on>ON [^;]+)"
    r"|DROP INDEX (?P<gone>\w+));",
    re.MULTILINE,
)
QUEUE = "agent_tasks_"  # indexes without which claims and rescues read the whole table


class Index(NamedTuple):
    """An index that the migrations make: on what, in their words."""

    name: str
    unique: bool
    on: str


@cache
def tables() -> list[str]:
    """All tables that the migrations make or take over."""
    return [name for one in migrations() for name in TABLE.findall(one.text)]


def indexes(applied: Collection[int]) -> list[Index]:
    """All indexes that are there after the given migrations."""
    found: dict[str, Index] = {}
    texts = (one.text for one in migrations() if one.number in applied)
    for match in (match for text in texts for match in INDEX.finditer(text)):
        if match["gone"]:
            found.pop(match["gone"], None)
        else:
            on = " ".join(match["on"].split())
            found[match["name"]] = Index(match["name"], match["unique"] is not None, on)
    return list(found.values())


async def look_at_schema(patient: Patient) -> list[Finding]:
    """Whether this version may work on the schema, and whether it is the newest."""
    state = await schema_state(patient.database)
    name = f"the schema {patient.database.schema!r}"
    if state.newer_breaking:
        fix = "pip install --upgrade oppspot-runner"
        return [Finding("schema", "fail", f"{name} is of a newer, incompatible version", fix)]
    if state.pending:
        missing = ", ".join(f"{number:04}" for number in state.pending)
        text = f"{name} is behind: migration {missing} is missing"
        return [Finding("schema", "fail", text, "oppspot-runner migrate")]
    if state.waiting:
        left = ", ".join(f"{number:04}" for number in state.waiting)
        text = f"{name}: migration {left} is for when all runners are of this version"
        return [Finding("schema", "warn", text, "oppspot-runner migrate")]
    if state.newer:
        text = f"{name} is of a newer version, which this one can work on"
        return [Finding("schema", "warn", text, "pip install --upgrade oppspot-runner")]
    return [Finding("schema", "ok", f"{name} is up to date ({len(state.applied)} migrations)")]


async def look_at_indexes(patient: Patient) -> list[Finding]:
    """Whether every index is there and may be used."""
    made = indexes((await schema_state(patient.database)).applied)
    wanted = {
        "names": [one.name for one in made],
        "unique": [one.unique for one in made],
        "on": [one.on for one in made],
    }
    found = []
    for row in await patient.database.fetch_all(INDEXES, wanted):
        what = "is not valid: its making was interrupted" if row["there"] else "is missing"
        severity: Severity = "fail" if row["name"].startswith(QUEUE) else "warn"
        found.append(Finding("indexes", severity, f"the index {row['name']} {what}", row["fix"]))
    return found or [Finding("indexes", "ok", f"all {len(made)} indexes are there")]


async def look_at_rights(patient: Patient) -> list[Finding]:
    """Whether this role may read and write all tables of ours."""
    rows = await patient.database.fetch_all(RIGHTS, {"names": tables()})
    found = [
        Finding(
            "rights",
            "fail",
            f"the role {row['role']} may not read or not write {row['names']}",
            row["fix"],
        )
        for row in rows
    ]
    return found or [Finding("rights", "ok", "this role may read and write all our tables")]


async def look_at_policies(patient: Patient) -> list[Finding]:
    """Whether row-level security may hide rows of ours from this role."""
    rows = await patient.database.fetch_all(POLICIES, {"names": tables()})
    found = [
        Finding(
            "row security",
            "fail",
            f"row-level security hides rows of {row['name']} from the role {row['role']} "
            f"(policies: {row['policies']})",
            row["fix"],
        )
        for row in rows
    ]
    return found or [Finding("row security", "ok", "no policy hides rows from this role")]


async def look_at_organisations(patient: Patient) -> list[Finding]:
    """Whether tokens of organisations can be used: roles, membership and policies."""
    rows = await patient.database.fetch_all(LACKS)
    found = [
        Finding("organisations", "warn", f"their tokens are refused: {row['what']}", row["fix"])
        for row in rows
    ]
    return found or [Finding("organisations", "ok", "policies keep organisations apart")]
