"""`ToolSandbox`: the one place where tools are called, within what the caller may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.redact import redact
from oppspot_runner.base.settings import Settings, load_settings
from oppspot_runner.base.tool_errors import (
    CodedError,
    ToolNotPermittedError,
    ToolRateLimitError,
)
from oppspot_runner.base.tool_use import INTERRUPTED, ToolUse
from oppspot_runner.connectors.http.client import GuardedClient
from oppspot_runner.connectors.http.domains import AllowedDomains
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.tools.caching import remembered
from oppspot_runner.tools.outcome import failed, succeeded
from oppspot_runner.tools.ports import AuditTrail, ResultCache
from oppspot_runner.tools.rates import CallLimiter, ProcessCallLimiter
from oppspot_runner.tools.registry import ToolRegistry, registry
from oppspot_runner.tools.security import SecurityContext, permission
from oppspot_runner.tools.tool_base import TaskAccess, ToolCall, attempt, to_its_end

MINUTE_S = 60.0


@dataclass(frozen=True)
class OfTask:
    """What the agent of a task adds to a call, see ToolCall; `counted`: it goes on with one."""

    key: str | None = None
    access: TaskAccess | None = None
    counted: bool = False


OF_NONE = OfTask()


class ToolSandbox:
    """Calls tools by name, with limits on who may, how often, how long, and where to.

    Without allowed domains no other service is reached. `settings` are those of the environment
    and `http` is made of them, unless they are given; a client that is given is shared, and not
    closed here. `limiter` counts calls under `whose` and the tool's name, by default those of this
    process only. `audit` is told of every call, and `cache` keeps the results of tools that want
    it; by default there is neither. For one event loop at a time.
    """

    def __init__(
        self,
        tools: ToolRegistry = registry,
        *,
        http: HttpPolicy | GuardedClient | None = None,
        limiter: CallLimiter | None = None,
        audit: AuditTrail | None = None,
        cache: ResultCache | None = None,
        whose: str = "",
        settings: Settings | None = None,
    ) -> None:
        self._tools = tools
        self._domains = AllowedDomains()
        self._settings = settings or load_settings()
        self._is_shared = isinstance(http, GuardedClient)
        self._http = (
            http.within(self._domains)
            if isinstance(http, GuardedClient)
            else GuardedClient(http or HttpPolicy.of(self._settings), self._domains)
        )
        self._limiter = limiter or ProcessCallLimiter()
        self._limits: dict[str, RateLimit] = {}
        self._audit = audit
        self._cache = cache
        self._whose = whose

    def set_rate_limit(self, tool_name: str, max_calls: int, window_seconds: float) -> None:
        """From now on lets `max_calls` of a tool through in any `window_seconds`.

        Raises ToolNotFoundError, and InvalidInputError for numbers that limit nothing.
        """
        self._limits[self._tools.find(tool_name).name] = RateLimit(max_calls, window_seconds)

    def add_allowed_domain(self, domain: str) -> None:
        """Lets tools call `domain`: a name, `*.name` for all below it, or `*` for every host.

        Raises HttpRefusedError for what is no domain.
        """
        self._domains.add(domain)

    async def call(
        self,
        tool_name: str,
        arguments: Any,
        security: SecurityContext | None = None,
        *,
        of_task: OfTask = OF_NONE,
    ) -> Any:
        """What the tool returns. Without a `security` context the program itself is the caller.

        Raises a CodedError: ToolNotFoundError, ToolNotPermittedError, RateLimitExceededError, or
        ToolExecutionError with the code of what went wrong.
        """
        at, began = datetime.now(UTC), monotonic()
        code: str | None = INTERRUPTED
        try:
            result = await self._called(tool_name, arguments, security, of_task)
            code = None
            return result
        except CodedError as error:
            code = error.code
            raise
        finally:
            if self._audit is not None:
                took_s = monotonic() - began
                whom = (security.organization_id, security.user_id) if security else ()
                use = ToolUse(tool_name, redact(arguments), at, took_s, code, *whom)
                await self._audit.record(use)

    async def aexecute(
        self, tool_name: str, arguments: Any, security: SecurityContext | None = None
    ) -> dict[str, Any]:
        """As `call`, but every end is an answer: `{"success": true, "result", ...}` or
        `{"success": false, "error", "tool_name", "code", "timestamp"}`.
        """
        try:
            return succeeded(tool_name, await self.call(tool_name, arguments, security))
        except CodedError as error:
            return failed(tool_name, error)

    def execute(
        self, tool_name: str, arguments: Any, security: SecurityContext | None = None
    ) -> dict[str, Any]:
        """`aexecute` for code without an event loop. Raises ConfigurationError inside of one."""

        async def alone() -> dict[str, Any]:
            try:
                return await self.aexecute(tool_name, arguments, security)
            finally:
                await self.aclose()

        return to_its_end(alone())

    async def aclose(self) -> None:
        """Closes the connections to other services. The sandbox can be used again."""
        if not self._is_shared:
            await self._http.aclose()

    async def _called(
        self, tool_name: str, arguments: Any, security: SecurityContext | None, of_task: OfTask
    ) -> Any:
        tool = self._tools.find(tool_name)
        if security is not None and not security.permits(tool.name):
            raise ToolNotPermittedError(tool.name, permission(tool.name))
        if not of_task.counted:
            await self._take(tool.name, security)
        call = ToolCall(self._http, security, of_task.key, self._settings, of_task.access)
        if self._cache is not None and tool.cached_for_s is not None:
            return await remembered(self._cache, tool, arguments, call, tool.cached_for_s)
        return await attempt(tool, arguments, call)

    async def _take(self, tool_name: str, security: SecurityContext | None) -> None:
        """Counts the call. Raises RateLimitExceededError where one of its limits is reached."""
        limits = {}
        if tool_name in self._limits:
            limits[f"{self._whose}{tool_name}"] = self._limits[tool_name]
        if security is not None and tool_name in security.rate_limit:
            whose = f"{security.organization_id}/{security.user_id}/{tool_name}"
            limits[whose] = RateLimit(security.rate_limit[tool_name], MINUTE_S)
        for key, limit in limits.items():
            wait_s = await self._limiter.take(key, limit)
            if wait_s > 0:
                raise ToolRateLimitError(tool_name, wait_s)
