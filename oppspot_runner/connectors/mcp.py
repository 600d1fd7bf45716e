"""A server of the Model Context Protocol: connected when it is first used, and again when it broke.

The library wants a connection to be opened and closed by one task, while many use it; so each has
a task of its own that opens it, waits until it is to be closed, and closes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.jsonsafe import clean_text
from oppspot_runner.base.tool_errors import CodedError
from oppspot_runner.connectors.http.foreign import client_for_library
from oppspot_runner.connectors.http.policy import HttpPolicy

if find_spec("mcp") is None:
    raise ConfigurationError(
        "servers of tools need the package mcp",
        hint="Install it: pip install 'oppspot-runner[mcp]'.",
    )

from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    CONNECTION_CLOSED,
    INVALID_REQUEST,
    REQUEST_TIMEOUT,
    CallToolResult,
    Tool,
)

CONNECT_S = 15.0
CLOSE_S = 5.0
STREAM_S = 300.0  # a server may leave a line open and say nothing
# The server is gone, or knows nothing of the connection any more, as after it was started anew.
LOST = (CONNECTION_CLOSED, INVALID_REQUEST)
MOST_PAGES = 20  # of the list of tools
MOST_SAID = 1_000


@dataclass(frozen=True)
class Program:
    """A server that is a program, which ends with us. `env` is added to a bare environment."""

    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Service:
    """A server that is reached by HTTP, within `policy`."""

    url: str
    headers: dict[str, str]
    policy: HttpPolicy


class McpUnreachedError(CodedError):
    """No connection could be made: nothing was asked."""

    unsent = True


class McpServer:
    """One server by its name. For one event loop."""

    def __init__(self, name: str, where: Program | Service, read_s: float) -> None:
        self.name = name
        self._where = where
        self._read_s = read_s
        self._turn = asyncio.Lock()
        self._closing = asyncio.Event()
        self._open: asyncio.Task[None] | None = None
        self._client: Client | None = None

    async def tools(self) -> list[Tool]:
        """All tools of the server. Raises CodedError when it does not answer."""
        client = await self._connected()
        found: list[Tool] = []
        cursor = None
        for _ in range(MOST_PAGES):
            async with self._told():
                page = await client.list_tools(cursor=cursor, cache_mode="refresh")
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
        return found

    async def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        """What the server answers. Raises CodedError when it does not."""
        client = await self._connected()
        async with self._told():
            return await client.call_tool(tool, arguments, read_timeout_seconds=self._read_s)

    async def aclose(self) -> None:
        """Ends the connection, and the program where it is one. It can be used again."""
        self._closing.set()
        opened, self._open, self._client = self._open, None, None
        if opened is not None:
            await asyncio.wait({opened}, timeout=CLOSE_S)
            opened.cancel()
            await asyncio.wait({opened})

    async def _connected(self) -> Client:
        async with self._turn:
            if self._client is None or self._is_gone():
                await self.aclose()
                self._client = await self._connect()
            return self._client

    async def _connect(self) -> Client:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[Client] = loop.create_future()
        self._closing = asyncio.Event()
        self._open = loop.create_task(self._keep_open(ready, self._closing))
        try:
            async with asyncio.timeout(CONNECT_S):
                return await ready
        except Exception as error:
            await self.aclose()
            raise McpUnreachedError(
                Code.CONNECTION_FAILED,
                f"the server {self.name} cannot be connected to: {_first(error)}",
            ) from error

    async def _keep_open(self, ready: asyncio.Future[Client], closing: asyncio.Event) -> None:
        try:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(Client(await self._transport(stack)))
                if not ready.done():
                    ready.set_result(client)
                await closing.wait()
        except BaseException as error:
            if not ready.done():
                ready.set_exception(_first(error))
            elif isinstance(error, asyncio.CancelledError):
                raise

    async def _transport(self, stack: AsyncExitStack) -> Any:
        where = self._where
        if isinstance(where, Program):
            return StdioServerParameters(command=where.command, args=[*where.args], env=where.env)
        http = client_for_library(where.policy, where.headers, max(self._read_s, STREAM_S))
        return streamable_http_client(where.url, http_client=await stack.enter_async_context(http))

    def _is_gone(self) -> bool:
        return self._open is None or self._open.done()

    @asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        """Turns what the library raises into CodedError. A connection that broke is closed, so that
        the next call makes another."""
        try:
            yield
        except MCPError as error:
            said = f"the server {self.name} answered: {clean_text(str(error), most=MOST_SAID)}"
            if error.code == REQUEST_TIMEOUT:
                raise CodedError(Code.TOOL_TIMEOUT, said) from None
            if error.code not in LOST:
                raise CodedError(Code.SERVICE_REFUSED, said) from None
            await self.aclose()
            raise CodedError(Code.CONNECTION_FAILED, f"the server {self.name} broke off") from error
        except CodedError:
            raise
        except Exception as error:
            await self.aclose()
            said = f"the server {self.name} broke off: {_first(error)}"
            raise CodedError(Code.CONNECTION_FAILED, said) from error


def _first(error: BaseException) -> Exception:
    """The error in a group of them, which the library raises."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, Exception) else RuntimeError(repr(error))
