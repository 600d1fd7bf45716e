"""The tools of one agent, as its configuration has them, ready to be called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError, Fail, OppspotError
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.task import Task
from oppspot_runner.base.tool_errors import CodedError
from oppspot_runner.base.tool_use import WhenUnknown
from oppspot_runner.connectors.http.client import GuardedClient
from oppspot_runner.tools.configuration import ToolConfiguration
from oppspot_runner.tools.ports import ResultCache
from oppspot_runner.tools.rates import CallLimiter
from oppspot_runner.tools.registry import ToolRegistry
from oppspot_runner.tools.sandbox import ToolSandbox
from oppspot_runner.tools.security import SecurityContext
from oppspot_runner.tools.tool_base import ToolBase

# The other side may have done what it was asked for, although we have no answer.
UNANSWERED = {
    Code.TOOL_TIMEOUT,
    Code.HTTP_TIMEOUT,
    Code.CONNECTION_FAILED,
    Code.RESPONSE_BROKEN,
    Code.RESPONSE_TOO_LARGE,
    Code.SERVICE_UNAVAILABLE,
}


class ToolServers(Protocol):
    """Programs of others that have tools."""

    async def offer(self, names: Iterable[str]) -> dict[str, ToolBase]:
        """Those of `names` that a server has. Raises CodedError, ConfigurationError."""
        ...

    async def aclose(self) -> None:
        """Ends the connections to all servers."""
        ...


@dataclass(frozen=True)
class ToolServices:
    """What all attempts of a runner share."""

    registry: ToolRegistry
    http: GuardedClient
    limiter: CallLimiter
    cache: ResultCache
    settings: Settings
    servers: ToolServers


@dataclass(frozen=True)
class OwnTools:
    """What an agent may call, and within what."""

    configuration: ToolConfiguration
    tools: ToolRegistry
    sandbox: ToolSandbox
    security: SecurityContext

    @classmethod
    async def of(cls, task: Task, services: ToolServices) -> OwnTools:
        """The tools of the agent of `task`. Raises Fail where its configuration is unusable, and
        CodedError where a server that has one of them does not answer."""
        agent = task.agent
        try:
            wanted = ToolConfiguration.of(agent.configuration if agent else {})
            offered = await services.servers.offer(wanted.named())
            tools = wanted.chosen(services.registry, offered)
            sandbox = _sandbox(wanted, tools, services, f"agent {agent.id if agent else None} ")
        except (CodedError, ConfigurationError) as error:
            if isinstance(error, CodedError) and error.retried:
                raise
            raise Fail(error.one_line()) from None
        security = SecurityContext(
            user_id=str(agent.id) if agent else None,
            organization_id=str(task.org_id) if task.org_id else None,
            permissions=wanted.permitted(tools),
        )
        return cls(wanted, tools, sandbox, security)

    def ends_unknown(self, tool_name: str, error: CodedError) -> bool:
        """Whether a call that must not be made twice may have been made in spite of `error`."""
        tool = self.tools.find(tool_name)
        return not tool.resumes and error.reason in UNANSWERED and not error.unsent

    def when_unknown(self, tool_name: str) -> WhenUnknown:
        """What to do about a call of that tool whose end is unknown."""
        return self.configuration.policy(tool_name, self.tools.find(tool_name).when_unknown)


def _sandbox(
    wanted: ToolConfiguration, tools: ToolRegistry, services: ToolServices, whose: str
) -> ToolSandbox:
    sandbox = ToolSandbox(
        tools,
        http=services.http,
        limiter=services.limiter,
        cache=services.cache,
        whose=whose,
        settings=services.settings,
    )
    try:
        for domain in wanted.allowed_domains:
            sandbox.add_allowed_domain(domain)
        for name, rate in wanted.rate_limits.items():
            sandbox.set_rate_limit(name, rate.max_calls, rate.window_seconds)
    except OppspotError as error:
        raise ConfigurationError(
            f"the agent's configuration cannot be used: {error}", hint=error.hint
        ) from None
    return sandbox
