"""An MCP server of the tests: `python -m tests.tools.mcp_sample [stdio]`."""

from __future__ import annotations

import asyncio
import os
import sys

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

server = MCPServer("sample")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Always fails."""
    raise ToolError("as it must")


@server.tool()
async def hang() -> str:
    """Takes for ever."""
    await asyncio.Event().wait()
    return ""


@server.tool()
def secret() -> str:
    """What it was told when it was started."""
    return os.environ.get("SAMPLE_SECRET", "") + " " + os.environ.get("OPPSPOT_LOG_LEVEL", "-")


@server.tool()
def pid() -> int:
    """The number of its process."""
    return os.getpid()


@server.tool()
def die() -> str:
    """Ends the server."""
    os._exit(3)


if __name__ == "__main__":
    server.run("stdio")
    sys.exit(0)
