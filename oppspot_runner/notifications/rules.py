"""What happens that people may want to know, and rules that say who is told. Knows no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

Channel = Literal["email", "slack", "webhook", "apprise"]
EVENTS = {
    "task_dead": "a task failed for good",
    "breaker_open": "an agent or a host is left alone after failures in a row",
    "budget_reached": "a budget is spent, or a call was not made because of it",
    "runner_lost": "a runner is gone without having stopped",
    "critical_company": "a company of a stream became critical",
    "schedule_stopped": "a schedule fires no more",
    "approval_waiting": "an agent of a run waits for an approval",
}
# Keys of filters, and the facts of an event that they are compared with.
FILTERS = {
    "agent": ("agent_id", "agent"),
    "agent_type": ("agent_type",),
    "task_type": ("task_type",),
    "stream": ("stream_id", "stream"),
}


@dataclass(frozen=True)
class Happening:
    """One event. `facts` say what it is about, by names such as `agent`, `task` and `error`."""

    event: str
    at: datetime
    org_id: UUID | None
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """Which events a rule is about. Without an organisation it is about those of all."""

    id: UUID
    event: str
    org_id: UUID | None = None
    filter: Mapping[str, Any] = field(default_factory=dict)

    def wants(self, happening: Happening) -> bool:
        """Whether its people are to be told."""
        if happening.event != self.event or self.org_id not in (None, happening.org_id):
            return False
        return all(_fits(key, wanted, happening.facts) for key, wanted in self.filter.items())


def _fits(key: str, wanted: Any, facts: Mapping[str, Any]) -> bool:
    """Whether an event passes one key of a filter; nothing passes a value that means nothing."""
    if key in FILTERS:
        return str(wanted) in [str(facts[name]) for name in FILTERS[key] if name in facts]
    score = facts.get("score")
    try:
        return score is not None and float(score) >= float(wanted)
    except (TypeError, ValueError):
        return False
