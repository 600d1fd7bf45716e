"""What is compared of a task: what its row says, and what the model says."""

from __future__ import annotations

from typing import Any

from tests.queue.model import Row

SAME = (
    *("status", "parked", "token", "runner", "attempt", "errors", "crashes", "due", "started"),
    *("finished", "executions", "held"),
)


def facts(row: dict[str, Any]) -> dict[str, Any]:
    """What the table says of a task, in the model's words."""
    attempts = row["attempts"] or {}
    asked = row["cancel_requested_at"] is not None
    return {
        "status": row["status"],
        "parked": row["parked"],
        "token": row["run_token"],
        "runner": row["runner_id"],
        "attempt": row["attempt"],
        "errors": row["retry_count"],
        "crashes": row["crash_count"],
        "due": row["scheduled_for"],
        "started": row["started_at"],
        "finished": row["finished_at"],
        "asked_to_end": row["status"] == "processing" and asked,
        "executions": {int(attempt): status for attempt, status in attempts.items()},
        "held": row["held"],
        "place": row["ready_seq"] if row["status"] == "pending" else None,
    }


def told(row: Row) -> dict[str, Any]:
    """The same by the model."""
    return {
        **{name: getattr(row, name) for name in SAME},
        "asked_to_end": row.status == "processing" and row.asked_to_end,
        "place": row.place if row.status == "pending" else None,
    }
