"""Workers of other systems, as far as the database knows of them."""

from __future__ import annotations

from oppspot_runner.app.doctor.finding import Finding, Patient
from oppspot_runner.db.files import statement

UNBEGUN = statement("doctor/unbegun")

LATE_S = 60.0
STARTS = {"celery": "celery -A oppspot_runner.app.celery_worker worker"}


async def look_at_workers(patient: Patient) -> list[Finding]:
    """Whether bodies that were handed on have been begun."""
    rows = await patient.database.fetch_all(UNBEGUN, {"late_s": LATE_S})
    return [
        Finding(
            "workers",
            "warn",
            f"{row['bodies']} bodies have waited for a worker of {row['backend']} for a minute",
            STARTS.get(row["backend"]),
        )
        for row in rows
    ] or [Finding("workers", "ok", "no body waits for a worker for long")]
