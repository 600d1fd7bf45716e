"""What people decide about signals."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from oppspot_runner.api.changing import Change
from oppspot_runner.streams import signal_decisions

Decision = Literal["acted_upon", "false_positive"]


async def decide(change: Change, signal_id: UUID, decision: Decision) -> dict[str, Any]:
    """Says that a signal was acted upon, or is false; the signal. Raises NotFoundError."""
    before = await signal_decisions.show(change.database, signal_id)
    await signal_decisions.decide(
        change.database, signal_id, decision, decided_by=change.actor.name
    )
    after = await signal_decisions.show(change.database, signal_id)
    told = {"before": _told(before), "after": _told(after)}
    verb = "act" if decision == "acted_upon" else "dismiss"
    await change.record(f"signal.{verb}", "signal", signal_id, **told)
    return after


def _told(signal: dict[str, Any]) -> dict[str, Any]:
    return {name: signal[name] for name in ("company", "title", "status", "decided_by")}
