"""The way to the database: server, pooler, notifications, clocks, connections, disk."""

from __future__ import annotations

import asyncio
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from psycopg.rows import DictRow

from oppspot_runner.app.doctor.finding import Finding, Patient, Severity
from oppspot_runner.base.wording import size, span
from oppspot_runner.db.files import statement
from oppspot_runner.db.listen import hears
from oppspot_runner.db.pool import describe
from oppspot_runner.runner.config import RunnerConfig

SERVER = statement("doctor/server")
CLOCK = statement("tasks/clock")
LISTEN = statement("listen/listen")

CLOCK_TRIES = 5
MOST_OFFSET_S = 2.0
OF_ITS_OWN = 2  # heartbeat and listener of a runner, besides its pool
FEW_CONNECTIONS = 3  # with fewer left not even a person gets in
GIB = 1024**3
LITTLE_BYTES, LITTLE_SHARE = 5 * GIB, 0.1
NO_BYTES, NO_SHARE = GIB, 0.03


async def server_facts(patient: Patient) -> DictRow:
    """The row of doctor/server."""
    row = await patient.database.fetch_one(SERVER, {})
    assert row is not None
    return row


async def look_at_server(patient: Patient) -> list[Finding]:
    """Which server answers."""
    row = await server_facts(patient)
    where = describe(patient.database.dsn)
    return [Finding("database", "ok", f"PostgreSQL {row['version']} at {where} as {row['role']}")]


async def look_at_pooler(patient: Patient) -> list[Finding]:
    """Whether a pooler stands in between, and whether notifications get through."""
    database = patient.database
    async with await database.connect() as connection:
        await connection.execute(LISTEN)
        begun = time.monotonic()
        heard = await hears(database, connection, f"{database.schema}/doctor")
    took = span(time.monotonic() - begun)
    between = "there is a pooler in between" if database.pooled else "the connection is direct"
    pooler = Finding("pooler", "ok", between)
    if heard:
        return [pooler, Finding("listen", "ok", f"notifications arrive, the first after {took}")]
    poll = span(patient.settings.poll_interval)
    text = f"notifications do not arrive: tasks start with the next poll, within {poll}"
    fix = "OPPSPOT_DIRECT_URL=postgresql://USER@HOST:5432/NAME  # the server itself"
    return [pooler, Finding("listen", "warn", text, fix)]


async def look_at_clocks(patient: Patient) -> list[Finding]:
    """How far the clock of this process is from the database's, which alone counts."""
    offsets = []
    for _ in range(CLOCK_TRIES):
        before = datetime.now(UTC)
        row = await patient.database.fetch_one(CLOCK)
        after = datetime.now(UTC)
        assert row is not None
        round_trip_s = (after - before).total_seconds()
        offsets.append((round_trip_s, (row["now"] - before).total_seconds() - round_trip_s / 2))
    offset_s = min(offsets)[1]
    if abs(offset_s) <= MOST_OFFSET_S:
        return [Finding("clock", "ok", f"the clocks differ by {span(abs(offset_s))}")]
    ahead = "ahead of" if offset_s < 0 else "behind"
    text = (
        f"this host's clock is {span(abs(offset_s))} {ahead} the database's: times that programs "
        "here compute, for `scheduled_for` say, are off by that"
    )
    return [Finding("clock", "warn", text, "timedatectl set-ntp true  # here and on the server")]


async def look_at_connections(patient: Patient) -> list[Finding]:
    """Whether one more runner would get its connections."""
    row = await server_facts(patient)
    left = row["most_connections"] - row["connections"]
    slots, most = patient.settings.concurrency, patient.settings.connections
    wanted = RunnerConfig(slots=slots, most_connections=most).connections + OF_ITS_OWN
    text = f"{row['connections']} of {row['most_connections']} connections are used"
    if left >= wanted:
        return [Finding("connections", "ok", text)]
    severity: Severity = "fail" if left < FEW_CONNECTIONS else "warn"
    more = f"{text}; a runner with OPPSPOT_CONCURRENCY={slots} may need"
    return [Finding("connections", severity, f"{more} {wanted}", row["connections_fix"])]


async def look_at_disk(patient: Patient) -> list[Finding]:
    """How much space the data directory has left, where that can be known from here."""
    row = await server_facts(patient)
    database = f"the database has {size(row['database_bytes'])}"
    folder = Path(row["data_directory"]) if row["is_here"] and row["data_directory"] else None
    try:
        usage = await asyncio.to_thread(shutil.disk_usage, folder) if folder else None
    except OSError:  # in a container of its own, or closed to us
        usage = None
    if usage is None:
        return [Finding("disk", "ok", f"{database}; the space that is left is not known from here")]
    text = f"{database}, {size(usage.free)} are free in {folder}"
    severity = _room(usage.free, usage.free / usage.total)
    fix = (
        None if severity == "ok" else f"df -h {folder}  # make room; OPPSPOT_RETENTION=7 keeps less"
    )
    return [Finding("disk", severity, text, fix)]


def _room(free: int, share: float) -> Severity:
    if free < NO_BYTES or (share < NO_SHARE and free < LITTLE_BYTES):
        return "fail"
    return "warn" if free < LITTLE_BYTES and share < LITTLE_SHARE else "ok"
