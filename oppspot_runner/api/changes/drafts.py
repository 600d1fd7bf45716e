"""What people decide about drafts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from oppspot_runner.api.bodies.drafts import DraftStatus
from oppspot_runner.api.changing import Change
from oppspot_runner.streams import draft_decisions

VERBS: dict[DraftStatus, str] = {
    "approved": "approve",
    "rejected": "reject",
    "sent_elsewhere": "sent",
    "withdrawn": "withdraw",
}


async def decide(
    change: Change, draft_id: UUID, status: DraftStatus, reason: str | None = None
) -> dict[str, Any]:
    """Writes what somebody decided; the draft.

    Raises NotFoundError, and ConflictError for what cannot follow, or must not be sent.
    """
    before = await draft_decisions.show(change.database, draft_id)
    await draft_decisions.decide(
        change.database, draft_id, status, decided_by=change.actor.name, reason=reason
    )
    after = await draft_decisions.show(change.database, draft_id)
    told = {"before": _told(before), "after": _told(after)}
    await change.record(f"draft.{VERBS[status]}", "draft", draft_id, **told)
    return after


def _told(draft: dict[str, Any]) -> dict[str, Any]:
    return {name: draft[name] for name in ("company", "status", "decided_by", "reason")}
