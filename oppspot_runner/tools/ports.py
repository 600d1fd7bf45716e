"""What a sandbox needs of others: somebody who records its calls, and who keeps results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from oppspot_runner.tools.security import SecurityContext

INTERRUPTED = "INTERRUPTED"


@dataclass(frozen=True)
class ToolUse:
    """One call, also one that was refused. `code` is None when it succeeded, INTERRUPTED when
    it was cancelled, else that of its error.

    `arguments` are as they came, without what looks like a secret; `took_s` is in seconds.
    """

    tool_name: str
    arguments: Any
    security: SecurityContext | None
    at: datetime
    took_s: float
    code: str | None


class AuditTrail(Protocol):
    """Keeps a record of every call. What it raises ends the call: none goes unrecorded."""

    async def record(self, use: ToolUse) -> None: ...


class ResultCache(Protocol):
    """Keeps results, each as `{"result": ...}`. One in the database holds for all runners."""

    async def get(self, key: str) -> dict[str, Any] | None:
        """What was put there, unless its time is over; None when there is nothing."""
        ...

    async def put(self, key: str, kept: dict[str, Any], ttl_s: float) -> None:
        """Keeps something for `ttl_s` seconds at most."""
        ...
