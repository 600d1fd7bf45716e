"""`doctor --deep`: a health check through every runner, from the INSERT to its written end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.app.doctor.finding import Finding, Patient
from oppspot_runner.base.wording import span
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import read

SEND = statement("doctor/send_checks")
READ = statement("doctor/read_checks")
TAKE_BACK = statement("doctor/take_back_checks")

LOOK_S = 0.1
POLLS = 2
LEAST_WAIT_S, MOST_WAIT_S = 5.0, 60.0


async def send_health_checks(patient: Patient) -> list[Finding]:
    """Whether each runner takes a task and writes its end. Those that pause are not asked."""
    database = patient.database
    runners = [row for row in await read.runners(database) if row["alive"]]
    paused = [row for row in runners if row["state"] != "running"]
    longest_poll_s = max((row["poll_s"] for row in runners), default=0.0)
    wait_s = min(max(POLLS * longest_poll_s, LEAST_WAIT_S), MOST_WAIT_S)
    ids = [row["id"] for row in await database.fetch_all(SEND)]
    try:
        rows = await _ended(database, ids, wait_s)
    finally:
        await database.execute(TAKE_BACK, {"ids": ids})
    found = [_answer(row, wait_s) for row in rows]
    for row in paused:
        text = f"runner {row['id']} is {row['state']}, and was not asked"
        found.append(Finding("health check", "ok", text))
    return found or [Finding("health check", "warn", "no runner is alive", "oppspot-runner start")]


async def _ended(database: Database, ids: Sequence[UUID], wait_s: float) -> list[DictRow]:
    """The checks when all have ended, or as they are after `wait_s`."""
    until = time.monotonic() + wait_s
    while True:
        rows = await database.fetch_all(READ, {"ids": list(ids)})
        open_ = [row for row in rows if row["status"] in ("pending", "processing")]
        if not open_ or time.monotonic() > until:
            return rows
        await asyncio.sleep(LOOK_S)


def _answer(row: DictRow, wait_s: float) -> Finding:
    who = f"runner {row['runner_id']} on {row['host']} (pid {row['pid']})"
    if row["status"] == "completed":
        text = f"{who} took it and wrote its end within {span(row['took_s'])}, by {row['wake']}"
        return Finding("health check", "ok", text)
    if row["runner_id"] is None:
        return Finding("health check", "warn", "a runner left meanwhile", "oppspot-runner status")
    if row["status"] == "pending" and row["busy"] >= row["slots"]:
        text = f"{who} did not take it within {span(wait_s)}: its {row['slots']} slots are busy"
        return Finding("health check", "warn", text, "oppspot-runner start --concurrency MORE")
    text = f"{who} did not complete it within {span(wait_s)}: it is {row['status']}"
    if row["error_message"]:
        text += f" ({row['error_message']})"
    fix = f"oppspot-runner stop --runner {row['runner_id']} --now  # then start it again"
    return Finding("health check", "fail", text, fix)
