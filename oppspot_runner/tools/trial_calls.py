"""Calls of tools by an agent that is tested: what must not be done twice is not done at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from oppspot_runner.base.codes import Code
from oppspot_runner.base.steps import Step
from oppspot_runner.base.tool_errors import ToolExecutionError
from oppspot_runner.base.tool_use import BegunCall, ToolUse
from oppspot_runner.base.waiting import Awaited
from oppspot_runner.tools.outcome import failed
from oppspot_runner.tools.task_calls import TaskToolCalls


class TrialToolCalls(TaskToolCalls):
    """The tools of an agent that is tested."""

    async def call(
        self, tool: str, arguments: Any, *, step: Step, raising: bool = False
    ) -> Awaited:
        """As ever; a tool whose calls do something is refused, in the shape of errors."""
        if await self.is_harmless(tool, arguments):
            return await super().call(tool, arguments, step=step, raising=raising)
        refused = ToolExecutionError(
            tool,
            Code.NOT_IN_A_TEST,
            f"{tool} does something that must not be done twice, so a test does not call it",
        )
        if raising:
            raise refused
        return Awaited(over=True, result=failed(tool, refused))


@dataclass
class TrialRecords:
    """What was called, for as long as the test is on."""

    uses: list[ToolUse] = field(default_factory=list)

    async def begin(self, tool_name: str, arguments: Any, step: Step, key: str) -> BegunCall:
        """Never asked: calls that are marked are not made."""
        raise NotImplementedError

    async def renew(self, begun: BegunCall) -> BegunCall:
        """Never asked, as `begin`."""
        raise NotImplementedError

    async def end(
        self, use: ToolUse, step: Step, answer: dict[str, Any], *, call_id: UUID | None = None
    ) -> None:
        """Notes a call that was answered."""
        self.uses.append(use)

    async def unanswered(self, use: ToolUse, step: Step, *, call_id: UUID | None = None) -> None:
        """Notes a call that was not."""
        self.uses.append(use)

    def failed_with(self, code: str) -> str | None:
        """The tool that was called last of those which ended with that code."""
        return next((one.tool_name for one in reversed(self.uses) if one.code == code), None)


class NothingKept:
    """A cache of results that keeps none."""

    async def get(self, key: str) -> dict[str, Any] | None:
        return None

    async def put(self, key: str, kept: dict[str, Any], ttl_s: float) -> None:
        return
