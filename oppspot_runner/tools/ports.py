"""What calls of tools need of others: who records them, remembers answers, and keeps results."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from oppspot_runner.base.steps import Step
from oppspot_runner.base.tool_use import BegunCall, ToolUse


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


class TaskRecords(Protocol):
    """Records the calls of one attempt. Raises LeaseLostError when the task is another's."""

    async def begin(self, tool_name: str, arguments: Any, step: Step, key: str) -> BegunCall:
        """Marks that a call begins which must not be made twice, unless it is marked already."""
        ...

    async def renew(self, begun: BegunCall) -> BegunCall:
        """The mark of an earlier attempt, as one of this attempt, which makes the call again."""
        ...

    async def end(
        self, use: ToolUse, step: Step, answer: dict[str, Any], *, call_id: UUID | None = None
    ) -> None:
        """Records a call, and remembers its answer, in one transaction."""
        ...

    async def unanswered(self, use: ToolUse, step: Step, *, call_id: UUID | None = None) -> None:
        """Records a call whose end the step does not remember; it may be made again."""
        ...
