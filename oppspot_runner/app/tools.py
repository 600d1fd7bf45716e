"""The tools of a runner: loaded when its first agent asks for one, shared by all attempts.

What they need is an extra, and takes a moment to load: a runner whose agents call no tools does
without.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from oppspot_runner.agents.registry import registry as agents
from oppspot_runner.app.task_access import AccessOfTask
from oppspot_runner.base.errors import ConfigurationError, Fail
from oppspot_runner.base.events import Tell, tell_nobody
from oppspot_runner.base.settings import Settings, load_settings
from oppspot_runner.base.steps import Step
from oppspot_runner.base.task import Task
from oppspot_runner.base.tool_errors import CodedError
from oppspot_runner.base.waiting import Awaited
from oppspot_runner.db.pool import Database
from oppspot_runner.db.through import Through
from oppspot_runner.limits.call_rates import SharedCallLimiter
from oppspot_runner.queue.journal import TaskJournal
from oppspot_runner.queue.result_cache import SharedResultCache
from oppspot_runner.queue.tool_calls import TaskCallRecords
from oppspot_runner.tools.threads import in_thread

if TYPE_CHECKING:
    from oppspot_runner.tools.own_tools import ToolServices
    from oppspot_runner.tools.task_calls import TaskToolCalls
    from oppspot_runner.tools.tool_base import ToolBase

ENTRY_POINT_GROUP = "oppspot_runner.tools"


def load_tools() -> list[str]:
    """Registers tools of installed packages; problems as text. Loads nothing where there are none.

    Those of imported modules and the built-in ones register themselves.
    """
    if not entry_points(group=ENTRY_POINT_GROUP):
        return []
    try:
        from oppspot_runner.tools.registry import registry
    except ConfigurationError as error:
        return [error.one_line()]
    return registry.load_entry_points()


def known_tools(settings: Settings) -> list[ToolBase]:
    """The tools of this process by name: built in, imported, installed. Asks no server.

    Raises ConfigurationError for a module or an extra that cannot be loaded.
    """
    from oppspot_runner.tools.registry import registry

    registry.load_entry_points()
    agents.load_modules(settings.import_)
    return [registry.find(name) for name in registry.known()]


async def all_tools(settings: Settings) -> tuple[list[ToolBase], list[str]]:
    """All tools of an installation by name, also those of servers; and problems as text.

    Raises ConfigurationError for a module, a file or an extra that cannot be loaded.
    """
    from oppspot_runner.tools.mcp_servers import McpServers
    from oppspot_runner.tools.registry import registry

    problems = registry.load_entry_points()
    agents.load_modules(settings.import_)
    found = {name: registry.find(name) for name in registry.known()}
    servers = McpServers.of(settings)
    try:
        for name in servers.names():
            try:
                found |= {one.name: one for one in await servers.tools_of(name)}
            except (CodedError, ConfigurationError) as error:
                problems.append(error.one_line())
    finally:
        await servers.aclose()
    return [found[name] for name in sorted(found)], problems


@dataclass
class RunnerTools:
    """Makes the tools of each task."""

    database: Database
    through: Through
    settings: Settings | None = None
    tell: Tell = tell_nobody
    _services: ToolServices | None = None
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def of(self, task: Task, journal: TaskJournal) -> ToolsOfTask:
        """Those that the agent of `task` may call."""
        return ToolsOfTask(self, task, journal)

    async def services(self) -> ToolServices:
        """What all tools share. Raises Fail where the extra is not installed."""
        async with self._loading:
            if self._services is None:
                try:
                    self._services = await in_thread(self._loaded)
                except ConfigurationError as error:
                    raise Fail(error.one_line()) from None
            return self._services

    async def stop(self) -> None:
        """Closes connections to other services. May be called twice."""
        services, self._services = self._services, None
        if services is not None:
            await services.servers.aclose()
            await services.http.aclose()

    def _loaded(self) -> ToolServices:
        from oppspot_runner.connectors.http.client import GuardedClient
        from oppspot_runner.connectors.http.policy import HttpPolicy
        from oppspot_runner.tools.mcp_servers import McpServers
        from oppspot_runner.tools.own_tools import ToolServices
        from oppspot_runner.tools.registry import registry

        settings = self.settings or load_settings()
        return ToolServices(
            registry=registry,
            settings=settings,
            http=GuardedClient(HttpPolicy.of(settings)),
            limiter=SharedCallLimiter(self.database, self.through),
            cache=SharedResultCache(self.database, self.through),
            servers=McpServers.of(settings),
        )


@dataclass
class ToolsOfTask:
    """The port of an attempt to its tools."""

    runner: RunnerTools
    task: Task
    journal: TaskJournal
    _calls: TaskToolCalls | None = None

    async def call(
        self, tool: str, arguments: Any, *, step: Step, raising: bool = False
    ) -> Awaited:
        return await (await self._loaded()).call(tool, arguments, step=step, raising=raising)

    async def specs(self, names: Sequence[str] | None) -> Sequence[Mapping[str, Any]]:
        return await (await self._loaded()).specs(names)

    async def _loaded(self) -> TaskToolCalls:
        services = await self.runner.services()
        if self._calls is None:
            from oppspot_runner.tools.task_calls import TaskToolCalls

            self._calls = TaskToolCalls(
                services,
                self.task,
                TaskCallRecords(self.journal, self.runner.tell),
                self.journal,
                partial(AccessOfTask, self.task, self.journal),
            )
        return self._calls
