"""The tools that the configuration of an agent names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oppspot_runner.app.tools import load_tools
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.tool_errors import ToolNotFoundError
from oppspot_runner.tools.threads import in_thread

if TYPE_CHECKING:
    from oppspot_runner.tools.configuration import ToolConfiguration


@dataclass(frozen=True)
class AgentTool:
    """A tool of an agent; `enabled` means that the agent may call it."""

    name: str
    description: str
    enabled: bool


async def tools_of(configuration: Mapping[str, Any], settings: Settings) -> list[AgentTool]:
    """What a configuration says of tools, by name.

    Raises ConfigurationError for what cannot be read, and where the extra is not installed.
    """
    return await in_thread(lambda: _read(dict(configuration), settings))


def _read(configuration: dict[str, Any], settings: Settings) -> list[AgentTool]:
    from oppspot_runner.tools.configuration import ToolConfiguration
    from oppspot_runner.tools.mcp_servers import SEPARATOR, McpServers

    load_tools()
    wanted = ToolConfiguration.of(configuration)
    servers = McpServers.of(settings).names()
    found = []
    for name in sorted({*wanted.tools, *wanted.custom_tools}):
        server = name.partition(SEPARATOR)[0]
        described = _description(wanted, name) or (
            f"A tool of the server {server}." if server in servers else None
        )
        custom = wanted.custom_tools.get(name)
        enabled = wanted.tools.get(name, True) and (custom is None or custom.enabled)
        known = described is not None
        shown = described or "This process knows no tool of that name."
        found.append(AgentTool(name, shown, enabled and known))
    return found


def _description(wanted: ToolConfiguration, name: str) -> str | None:
    from oppspot_runner.tools.registry import registry

    custom = wanted.custom_tools.get(name)
    try:
        tool = registry.find(name) if custom is None else registry.find_class(custom.class_name)
    except ToolNotFoundError:
        return None
    return tool.description
