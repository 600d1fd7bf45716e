"""Words for calls of tools: what is recorded of one, and what is known of one that began."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

INTERRUPTED = "INTERRUPTED"
WhenUnknown = Literal["repeat", "fail", "ask"]


@dataclass(frozen=True)
class ToolUse:
    """One call, also one that was refused. `code` is None when it succeeded, INTERRUPTED when
    it was cancelled, else that of its error.

    `arguments` are as they came, without what looks like a secret; `took_s` is in seconds. For
    whom it was made is None where the program itself is the caller.
    """

    tool_name: str
    arguments: Any
    at: datetime
    took_s: float
    code: str | None
    organization_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True)
class BegunCall:
    """A call that must not be made twice, with the key under which it is made.

    `attempt` is the one that began it; where that is not this one, its end is unknown.
    """

    id: UUID
    key: str
    attempt: int
