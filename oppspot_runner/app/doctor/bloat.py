"""What makes a queue slow with time: old snapshots, dead rows, a vacuum that does not come."""

from __future__ import annotations

from psycopg.rows import DictRow

from oppspot_runner.app.doctor.connection import server_facts
from oppspot_runner.app.doctor.finding import Finding, Patient, Severity
from oppspot_runner.app.doctor.schema import tables
from oppspot_runner.base.wording import ago, span
from oppspot_runner.db.files import statement

SNAPSHOTS = statement("doctor/snapshots")
TABLES = statement("doctor/tables")

LONG_S, TOO_LONG_S = 120.0, 600.0
MANY_TRANSACTIONS, TOO_MANY_TRANSACTIONS = 100_000, 1_000_000  # where no time is known
MANY_DEAD, TOO_MANY_DEAD = 20_000, 100_000
DEAD_SHARE = 0.2
MOST_SHOWN = 5


async def look_at_snapshots(patient: Patient) -> list[Finding]:
    """Who keeps vacuum from removing dead rows."""
    rows = await patient.database.fetch_all(SNAPSHOTS, {})
    server = await server_facts(patient)
    found = [one for row in rows if (one := _holder(row)) is not None][:MOST_SHOWN]
    if not server["sees_all"]:
        text = "this role does not see since when others have transactions open"
        found.append(Finding("snapshots", "warn", text, server["sees_all_fix"]))
    return found or [Finding("snapshots", "ok", "nobody holds an old snapshot")]


def _holder(row: DictRow) -> Finding | None:
    severity = _how_old(row)
    if severity == "ok":
        return None
    age = "" if row["age_s"] is None else f", open for {span(row['age_s'])}"
    effect = (
        "keeps dead rows from being removed" if row["holds"] else "holds locks and does nothing"
    )
    whose = f" of {row['whose']}" if row["whose"] else ""
    behind = f"; {row['transactions']} transactions began since" if row["transactions"] else ""
    text = f"{row['kind']} {row['name']}{whose} ({row['state']}){age}, {effect}{behind}"
    return Finding("snapshots", severity, text, row["fix"])


def _how_old(row: DictRow) -> Severity:
    """A statement that works may take long; what only waits should not."""
    if row["age_s"] is None:
        behind = row["transactions"] or 0
        worst: Severity = "fail" if behind > TOO_MANY_TRANSACTIONS else "warn"
        return worst if behind > MANY_TRANSACTIONS else "ok"
    if row["age_s"] < LONG_S:
        return "ok"
    return "warn" if row["age_s"] < TOO_LONG_S or row["state"] == "active" else "fail"


async def look_at_dead_rows(patient: Patient) -> list[Finding]:
    """Whether dead rows pile up."""
    rows = await patient.database.fetch_all(TABLES, {"names": tables()})
    found = []
    for row in rows:
        if row["dead"] < MANY_DEAD or row["dead"] < DEAD_SHARE * row["live"]:
            continue
        last = "never" if row["vacuumed_s"] is None else ago(row["vacuumed_s"])
        text = (
            f"{row['name']} has {row['dead']:,} dead rows beside {row['live']:,} live ones; "
            f"vacuumed: {last}"
        )
        severity: Severity = "fail" if row["dead"] >= TOO_MANY_DEAD else "warn"
        found.append(Finding("dead rows", severity, text, row["vacuum_fix"]))
    most = max((row["dead"] for row in rows), default=0)
    return found or [Finding("dead rows", "ok", f"no table has more than {most:,}")]


async def look_at_autovacuum(patient: Patient) -> list[Finding]:
    """Whether vacuum comes by itself, on the server and to each of our tables."""
    server = await server_facts(patient)
    found = []
    if not server["autovacuum"]:
        text = "autovacuum is off for the whole server"
        found.append(Finding("autovacuum", "fail", text, server["autovacuum_fix"]))
    for row in await patient.database.fetch_all(TABLES, {"names": tables()}):
        if not row["autovacuum"]:
            text = f"autovacuum is off for {row['name']}"
            found.append(Finding("autovacuum", "fail", text, row["autovacuum_fix"]))
    return found or [Finding("autovacuum", "ok", "it is on for the server and all our tables")]
