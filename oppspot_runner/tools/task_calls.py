"""Calls of tools by the agent of a task: each is a step, and some are never made twice unknowingly.

A call that may be repeated is recorded when it has ended, with the step that remembers its answer.
One that must not be is marked first. When an attempt finds a mark without an end, or a call ends
in a way that does not tell whether the other side did it, its end is unknown: then it is for the
policy of the tool or the agent to say how to go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from time import monotonic
from typing import Any, Protocol
from uuid import uuid5

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError, Fail, OppspotError
from oppspot_runner.base.redact import redact
from oppspot_runner.base.steps import Step
from oppspot_runner.base.task import Task
from oppspot_runner.base.tool_errors import CodedError, ToolEndUnknownError, ToolNotFoundError
from oppspot_runner.base.tool_use import INTERRUPTED, BegunCall, ToolUse
from oppspot_runner.base.waiting import Awaited
from oppspot_runner.connectors.http.client import GuardedClient
from oppspot_runner.connectors.http.errors import HttpUnreachedError
from oppspot_runner.tools.configuration import ToolConfiguration
from oppspot_runner.tools.outcome import failed, succeeded
from oppspot_runner.tools.ports import ResultCache, TaskRecords
from oppspot_runner.tools.rates import CallLimiter
from oppspot_runner.tools.registry import ToolRegistry
from oppspot_runner.tools.sandbox import ToolSandbox
from oppspot_runner.tools.security import SecurityContext

# The other side may have done what it was asked for, although we have no answer.
UNANSWERED = {
    Code.TOOL_TIMEOUT,
    Code.HTTP_TIMEOUT,
    Code.CONNECTION_FAILED,
    Code.RESPONSE_BROKEN,
    Code.RESPONSE_TOO_LARGE,
}


class Waits(Protocol):
    """The journal of the task, as far as it waits for answers of people."""

    async def wait_for_event(
        self, name: str, step: str, seq: int, timeout_s: float | None
    ) -> Awaited: ...


@dataclass(frozen=True)
class ToolServices:
    """What all attempts of a runner share."""

    registry: ToolRegistry
    http: GuardedClient
    limiter: CallLimiter
    cache: ResultCache


class TaskToolCalls:
    """The tools of one attempt's agent, as its configuration has them."""

    def __init__(
        self, services: ToolServices, task: Task, records: TaskRecords, waits: Waits
    ) -> None:
        self._services = services
        self._task = task
        self._records = records
        self._waits = waits

    async def specs(self, names: Sequence[str] | None) -> list[dict[str, Any]]:
        """Name, description and schema of the agent's tools, or of those with these `names`.

        Raises ToolNotFoundError for a name that the agent does not have, Fail for an unusable
        configuration.
        """
        tools = [self._tools.find(name) for name in names or self._tools.known()]
        return [
            {"name": one.name, "description": one.description, "schema": one.schema()}
            for one in tools
        ]

    async def call(self, tool: str, arguments: Any, *, step: Step) -> Awaited:
        """The answer, in the shape of results or of errors, which `step` remembers.

        Not over: the task waits for somebody to say what became of an earlier call. Raises
        ToolEndUnknownError, Fail for an unusable configuration, LeaseLostError.
        """
        made = _Call(tool, arguments, step)
        if self._may_repeat(made):
            return await self._make(made, None)
        key = str(uuid5(self._task.id, f"{self._task.run_token} {step}"))
        begun = await self._records.begin(tool, redact(arguments), step, key)
        if begun.attempt != self._task.attempt:
            decided = await self._decide(made, begun, "the attempt ended before it did")
            if decided is not None:
                return decided
        return await self._make(made, begun)

    async def _make(self, made: _Call, begun: BegunCall | None) -> Awaited:
        tool, sandbox = made.tool, self._sandbox
        code: str | None = INTERRUPTED
        at, began = datetime.now(UTC), monotonic()
        key = begun.key if begun else None
        try:
            result = await sandbox.call(tool, made.arguments, self._security, key=key)
            answer, code = succeeded(tool, result), None
        except CodedError as error:
            if begun is not None and _is_unanswered(error):
                return await self._unanswered(made, begun, error)
            answer, code = failed(tool, error), error.code
        finally:
            use = ToolUse(tool, redact(made.arguments), at, monotonic() - began, code)
            if code is INTERRUPTED and begun is None:
                await self._records.interrupted(use, made.step)
        await self._records.end(use, made.step, answer, call_id=begun.id if begun else None)
        return Awaited(over=True, result=answer)

    async def _unanswered(self, made: _Call, begun: BegunCall, error: CodedError) -> Awaited:
        """A call that this attempt has just made. To repeat it is for the next attempt."""
        decided = await self._decide(made, begun, error.one_line())
        if decided is None:
            raise error
        return decided

    async def _decide(self, made: _Call, begun: BegunCall, why: str) -> Awaited | None:
        """How to go on after a call whose end is unknown; None: it is to be made again.

        Raises ToolEndUnknownError where the task is to fail.
        """
        unknown = ToolEndUnknownError(made.tool, str(made.step), begun.attempt, why)
        match self._configuration.policy(made.tool, self._tools.find(made.tool).when_unknown):
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
        asked = await self._waits.wait_for_event(str(step), f"end of {step.name}", step.seq, None)
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
        use = ToolUse(made.tool, redact(made.arguments), datetime.now(UTC), 0.0, None)
        await self._records.end(use, step, answer, call_id=begun.id)
        return Awaited(over=True, result=answer)

    def _may_repeat(self, made: _Call) -> bool:
        try:
            return self._tools.find(made.tool).repeats(made.arguments)
        except ToolNotFoundError:
            return True  # of which the answer will tell

    @cached_property
    def _configuration(self) -> ToolConfiguration:
        agent = self._task.agent
        try:
            return ToolConfiguration.of(agent.configuration if agent else {})
        except ConfigurationError as error:
            raise Fail(error.one_line()) from None

    @cached_property
    def _tools(self) -> ToolRegistry:
        try:
            return self._configuration.chosen(self._services.registry)
        except (CodedError, ConfigurationError) as error:
            raise Fail(f"the agent's configuration cannot be used: {error.one_line()}") from None

    @cached_property
    def _security(self) -> SecurityContext:
        task = self._task
        return SecurityContext(
            user_id=str(task.agent.id) if task.agent else None,
            organization_id=str(task.org_id) if task.org_id else None,
            permissions=self._configuration.permitted(self._tools),
        )

    @cached_property
    def _sandbox(self) -> ToolSandbox:
        shared, wanted = self._services, self._configuration
        sandbox = ToolSandbox(
            self._tools,
            http=shared.http,
            limiter=shared.limiter,
            cache=shared.cache,
            whose=f"agent {self._security.user_id} ",
        )
        try:
            for domain in wanted.allowed_domains:
                sandbox.add_allowed_domain(domain)
            for name, rate in wanted.rate_limits.items():
                sandbox.set_rate_limit(name, rate.max_calls, rate.window_seconds)
        except OppspotError as error:
            raise Fail(f"the agent's configuration cannot be used: {error.one_line()}") from None
        return sandbox


@dataclass(frozen=True)
class _Call:
    tool: str
    arguments: Any
    step: Step


def _is_unanswered(error: CodedError) -> bool:
    return error.reason in UNANSWERED and not isinstance(error.__cause__, HttpUnreachedError)
