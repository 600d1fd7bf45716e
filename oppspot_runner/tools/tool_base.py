"""`ToolBase`: what every tool is, and how one call of it goes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Protocol, TypeVar

from pydantic import BaseModel

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.jsonsafe import clean_text
from oppspot_runner.base.redact import redact
from oppspot_runner.base.settings import Settings, load_settings
from oppspot_runner.base.tool_errors import (
    CodedError,
    ToolError,
    ToolExecutionError,
    ToolTimeoutError,
)
from oppspot_runner.base.tool_use import WhenUnknown
from oppspot_runner.connectors.http.client import GuardedClient
from oppspot_runner.connectors.http.domains import AllowedDomains
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.tools.arguments import checked_arguments
from oppspot_runner.tools.outcome import failed, succeeded
from oppspot_runner.tools.security import SecurityContext
from oppspot_runner.tools.threads import in_thread

R = TypeVar("R")

TIME_LIMIT_S = 60.0
MOST_ERROR = 1_000  # characters that a model gets to read of an error


class TaskAccess(Protocol):
    """What a tool may do for the task whose agent calls it, within the task's organisation."""

    async def search_companies(self, wanted: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Companies that the organisation may see, or those in the task's stream."""
        ...

    async def add_insight(self, *, kind: str, title: str, evidence: Mapping[str, Any]) -> str:
        """The id of an insight of the task's stream. Raises ToolError for a task without one."""
        ...

    async def run_agent(self, agent: str, payload: Mapping[str, Any]) -> Any:
        """The output of another agent. Raises Suspended until there is one, ToolError."""
        ...


@dataclass(frozen=True)
class ToolCall:
    """What surrounds one call: for whom it is made, and the only way out to other services.

    `key` is there where the call must not be made twice: the same when it is made again. Hand it
    on where the other side takes an idempotency key. `settings` say how services are reached.
    `task` is there when an agent calls.
    """

    http: GuardedClient
    security: SecurityContext | None = None
    key: str | None = None
    settings: Settings = field(default_factory=load_settings)
    task: TaskAccess | None = None

    def task_of(self, tool_name: str) -> TaskAccess:
        """The task of the call. Raises ToolExecutionError for a call without one."""
        if self.task is None:
            raise ToolExecutionError(
                tool_name,
                Code.TASK_NEEDED,
                f"the tool {tool_name} works for the agent of a task only",
                hint="Call it by ctx.tools.",
            )
        return self.task


@dataclass(eq=False)
class ToolBase:
    """A tool. Subclasses call `super().__init__(name=..., description=...)`.

    `arguments` is the pydantic model of what it takes; without one it takes any JSON object.
    `time_limit_s` is how long one call may take, `cached_for_s` how long its result stays right for
    the same arguments, where a sandbox has a cache; both in seconds, None = it is not kept.
    `repeatable` False says that a call does something that must not be done twice. What then
    becomes of a task whose call has no known end is `when_unknown`: it fails; or the call is made
    again with the same key (repeat); or a signal to the task's run decides (ask). One that
    `resumes` goes on with what it began, however often it is called for the same step.

    A subclass has `_execute_impl(arguments)`, plain or async, which returns any JSON value. A plain
    one runs in a thread, which goes on when its time is over. Or it has `run`, which gets the model
    itself and the ToolCall.
    """

    name: str
    description: str
    arguments: type[BaseModel] | None = None
    time_limit_s: float = field(default=TIME_LIMIT_S, kw_only=True)
    cached_for_s: float | None = field(default=None, kw_only=True)
    repeatable: bool = field(default=True, kw_only=True)
    resumes: bool = field(default=False, kw_only=True)
    when_unknown: WhenUnknown = field(default="fail", kw_only=True)

    classes: ClassVar[dict[str, dict[str, type[ToolBase]]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        """Makes the class known by its name, so that a configuration can name it."""
        super().__init_subclass__(**options)
        ToolBase.classes.setdefault(cls.__name__, {})[cls.__module__] = cls

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments, as a model gets it."""
        if self.arguments is None:
            return {"type": "object", "additionalProperties": True}
        return self.arguments.model_json_schema()

    def repeats(self, arguments: Any) -> bool:
        """Whether a call with these arguments, which are not checked yet, may be made twice."""
        return self.repeatable

    def _execute_impl(self, arguments: dict[str, Any]) -> Any:
        """The work of the tool. What it returns is the result, what it raises the error."""
        raise NotImplementedError(f"{type(self).__name__} has no _execute_impl")

    async def run(self, arguments: Any, call: ToolCall) -> Any:
        """The work of the tool, with checked arguments: the model where there is one."""
        given = (
            arguments.model_dump(by_alias=True) if isinstance(arguments, BaseModel) else arguments
        )
        if inspect.iscoroutinefunction(self._execute_impl):
            return await self._execute_impl(given)
        return await in_thread(partial(self._execute_impl, given))

    async def aexecute(self, arguments: dict[str, Any], call: ToolCall | None = None) -> Any:
        """One call, answered in the shape of results or of errors. Raises nothing of its own.

        Without a `call` it may reach no other service; a ToolSandbox gives it one.
        """
        if call is None:
            settings = load_settings()
            http = GuardedClient(HttpPolicy.of(settings), AllowedDomains())
            try:
                return await self.aexecute(arguments, ToolCall(http, settings=settings))
            finally:
                await http.aclose()
        try:
            return succeeded(self.name, await attempt(self, arguments, call))
        except CodedError as error:
            return failed(self.name, error)

    def execute(self, arguments: dict[str, Any]) -> Any:
        """`aexecute` for code without an event loop. Raises ConfigurationError inside of one."""
        return to_its_end(self.aexecute(arguments))


async def attempt(tool: ToolBase, arguments: Any, call: ToolCall) -> Any:
    """What `tool` returns for `arguments`, within its time limit.

    Raises a CodedError, whatever went wrong: ToolArgumentsError, ToolTimeoutError, the tool's own,
    or ToolExecutionError for any other exception.
    """
    checked = checked_arguments(tool.name, arguments, tool.arguments)
    limit = asyncio.timeout(tool.time_limit_s)
    try:
        async with limit:
            return await tool.run(checked, call)
    except ToolError:
        raise
    except CodedError as error:
        raise ToolExecutionError(
            tool.name, error.reason, str(error), hint=error.hint, unsent=error.unsent
        ) from error
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # a loop would end by exit()
        if limit.expired():
            raise ToolTimeoutError(tool.name, tool.time_limit_s) from None
        said = clean_text(redact(f"{type(error).__name__}: {error}"), most=MOST_ERROR)
        raise ToolExecutionError(tool.name, Code.TOOL_EXECUTION_FAILED, said) from error


def to_its_end(work: Coroutine[Any, Any, R]) -> R:
    """The result of `work`, in a loop of its own. Raises ConfigurationError inside of another."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    work.close()
    raise ConfigurationError(
        "execute would hold up the event loop that is running here", hint="Await aexecute."
    )
