"""Why a task is not running, for whoever asks."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from oppspot_runner.app.explain import Explanation, explain_task
from oppspot_runner.app.holds import Reason
from oppspot_runner.db.acting import BoundDatabase

# What can only be said by somebody who sees the runners.
OF_RUNNERS = {
    "no_runner",
    "type_not_served",
    "runners_paused",
    "unknown_agent_type",
    "fair_share",
    "in_line",
    "running",
    "runs_alone",
    "runner_silent",
    "runner_lost",
}
INSTEAD = {
    "pending": Reason("in_line", "it is in line for a runner", holds=False),
    "processing": Reason("running", "a runner has it", holds=False),
}


async def explain(database: BoundDatabase, task_id: UUID, *, fair: bool) -> Explanation:
    """What holds a task. Organisations are told nothing of runners. Raises NotFoundError."""
    found = await explain_task(database, task_id, fair=fair)
    if database.actor.is_operator:
        return found
    reasons = [one for one in found.reasons if one.code not in OF_RUNNERS]
    if not reasons and found.status in INSTEAD:
        reasons = [INSTEAD[found.status]]
    return replace(found, reasons=reasons)
