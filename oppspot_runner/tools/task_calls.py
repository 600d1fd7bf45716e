"""Calls of tools by the agent of a task: each is a step, and some are never made twice unknowingly.

A call that may be repeated is recorded when it has ended, with the step that remembers its answer.
One that must not be is marked first. When an attempt finds a mark without an end, or a call ends
in a way that does not tell whether the other side did it, its end is unknown: then it is for the
policy of the tool or the agent to say how to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Protocol
from uuid import uuid5

from oppspot_runner.base.redact import redact
from oppspot_runner.base.steps import Step
from oppspot_runner.base.task import Task
from oppspot_runner.base.tool_errors import CodedError, ToolEndUnknownError, ToolNotFoundError
from oppspot_runner.base.tool_use import INTERRUPTED, BegunCall, ToolUse
from oppspot_runner.base.waiting import Awaited, Suspended
from oppspot_runner.tools.outcome import failed, succeeded
from oppspot_runner.tools.own_tools import OwnTools, ToolServices
from oppspot_runner.tools.ports import TaskRecords
from oppspot_runner.tools.sandbox import OfTask
from oppspot_runner.tools.tool_base import TaskAccess, ToolBase

ENDED_EARLY = "the attempt ended before it did"


class Waits(Protocol):
    """The journal of the task, as far as it waits for answers of people."""

    async def wait_for_event(
        self, name: str, step: str, seq: int, timeout_s: float | None
    ) -> Awaited: ...


class TaskToolCalls:
    """The tools of one attempt's agent. `access` makes what a call with a step may do for it."""

    def __init__(
        self,
        services: ToolServices,
        task: Task,
        records: TaskRecords,
        waits: Waits,
        access: Callable[[Step], TaskAccess],
    ) -> None:
        self._services = services
        self._task = task
        self._records = records
        self._waits = waits
        self._access = access
        self._made: OwnTools | None = None

    async def specs(self, names: Sequence[str] | None) -> list[dict[str, Any]]:
        """Name, description and schema of the agent's tools, or of those with these `names`.

        Raises ToolNotFoundError for a name that the agent does not have, Fail for an unusable
        configuration.
        """
        tools = (await self._own()).tools
        found = [tools.find(name) for name in (tools.known() if names is None else names)]
        return [
            {"name": one.name, "description": one.description, "schema": one.schema()}
            for one in found
        ]

    async def call(
        self, tool: str, arguments: Any, *, step: Step, raising: bool = False
    ) -> Awaited:
        """The answer, in the shape of results or of errors, which `step` remembers.

        With `raising` errors are raised, and not remembered. Not over: the task waits for somebody
        to say what became of an earlier call, or for another agent. Raises ToolEndUnknownError,
        Fail for an unusable configuration, LeaseLostError.
        """
        own = await self._own()
        made = _Call(tool, arguments, step, raising)
        kind = _known(own, tool)
        if kind is None or _is_harmless(kind, arguments):
            return await self._make(own, made, None)
        key = str(uuid5(self._task.id, f"{self._task.run_token} {step}"))
        begun = await self._records.begin(tool, redact(arguments), step, key)
        if begun.attempt != self._task.attempt and not kind.resumes:
            decided = await self._decide(own, made, begun, ENDED_EARLY)
            if decided is not None:
                return decided
            begun = await self._records.renew(begun)
        return await self._make(own, made, begun)

    async def is_harmless(self, tool: str, arguments: Any) -> bool:
        """Whether a call may be made twice. One of a tool that the agent does not have may."""
        kind = _known(await self._own(), tool)
        return kind is None or _is_harmless(kind, arguments)

    async def _make(self, own: OwnTools, made: _Call, begun: BegunCall | None) -> Awaited:
        call_id = begun.id if begun else None
        at, began = datetime.now(UTC), monotonic()
        code: str | None = INTERRUPTED
        try:
            result = await own.sandbox.call(
                made.tool, made.arguments, own.security, of_task=self._of_task(made, begun)
            )
            answer, code = succeeded(made.tool, result), None
        except Suspended as wait:
            return Awaited(over=False, until=wait.until)
        except CodedError as error:
            if begun is not None and own.ends_unknown(made.tool, error):
                return await self._unanswered(own, made, begun, error)
            answer, code = failed(made.tool, error), error.code
            if made.raising:
                use = made.use(at, monotonic() - began, code)
                await self._records.unanswered(use, made.step, call_id=call_id)
                raise
        finally:
            if code is INTERRUPTED and begun is None:
                use = made.use(at, monotonic() - began, code)
                await self._records.unanswered(use, made.step)
        use = made.use(at, monotonic() - began, code)
        await self._records.end(use, made.step, answer, call_id=call_id)
        return Awaited(over=True, result=answer)

    def _of_task(self, made: _Call, begun: BegunCall | None) -> OfTask:
        return OfTask(
            key=begun.key if begun else None,
            access=self._access(made.step),
            counted=begun is not None and begun.attempt != self._task.attempt,
        )

    async def _unanswered(
        self, own: OwnTools, made: _Call, begun: BegunCall, error: CodedError
    ) -> Awaited:
        """A call that this attempt has just made. To repeat it is for the next attempt."""
        decided = await self._decide(own, made, begun, error.one_line())
        if decided is None:
            raise error
        return decided

    async def _decide(
        self, own: OwnTools, made: _Call, begun: BegunCall, why: str
    ) -> Awaited | None:
        """How to go on after a call whose end is unknown; None: it is to be made again.

        Raises ToolEndUnknownError where the task is to fail.
        """
        unknown = ToolEndUnknownError(made.tool, str(made.step), begun.attempt, why)
        match own.when_unknown(made.tool):
            case "repeat":
                return None
            case "ask" if self._task.run_id is not None:
                return await self._ask(made, begun, unknown)
            case _:
                raise unknown

    async def _ask(
        self, made: _Call, begun: BegunCall, unknown: ToolEndUnknownError
    ) -> Awaited | None:
        step = made.step
        # A step for each attempt that made the call: an answer is for one call alone.
        name = f"end of {step.name} of attempt {begun.attempt}"
        asked = await self._waits.wait_for_event(str(step), name, step.seq, None)
        if not asked.over:
            return asked
        told = asked.result.get("payload")
        match told if isinstance(told, dict) else {}:
            case {"repeat": True}:
                return None
            case {"done": True, **rest}:
                answer = succeeded(made.tool, rest.get("result"))
            case _:
                raise unknown
        use = made.use(datetime.now(UTC), 0.0, None)
        await self._records.end(use, step, answer, call_id=begun.id)
        return Awaited(over=True, result=answer)

    async def _own(self) -> OwnTools:
        if self._made is None:
            self._made = await OwnTools.of(self._task, self._services)
        return self._made


@dataclass(frozen=True)
class _Call:
    tool: str
    arguments: Any
    step: Step
    raising: bool

    def use(self, at: datetime, took_s: float, code: str | None) -> ToolUse:
        return ToolUse(self.tool, redact(self.arguments), at, took_s, code)


def _known(own: OwnTools, tool_name: str) -> ToolBase | None:
    try:
        return own.tools.find(tool_name)
    except ToolNotFoundError:
        return None  # of which the answer will tell


def _is_harmless(tool: ToolBase, arguments: Any) -> bool:
    return tool.repeats(arguments) and not tool.resumes
