"""Tools of MCP servers, which an operator lists in a file: `server__tool`.

No row of the database says what is started or called. A server is connected to when the first
agent has one of its tools.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.jsonsafe import clean, clean_text
from oppspot_runner.base.secret import read_secret
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.tool_errors import CodedError, ToolExecutionError
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.tools.threads import in_thread
from oppspot_runner.tools.tool_base import MOST_ERROR, TIME_LIMIT_S, ToolBase, ToolCall

if TYPE_CHECKING:
    from mcp.types import CallToolResult, Tool

    from oppspot_runner.connectors.mcp import McpServer

SEPARATOR = "__"
SERVER_NAME = r"^[a-z][a-z0-9-]{0,30}$"
MOST_DESCRIPTION = 2_000
MOST_RESULT = 1024 * 1024  # characters of text


class ServerEntry(BaseModel):
    """A table of the file: a program with its arguments, or the URL of a service.

    Values of `env` and `headers` are secrets, or where they are: env:NAME, file:/path.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    url: str | None = None
    headers: dict[str, str] = {}
    time_limit_s: float = Field(TIME_LIMIT_S, gt=0, le=3600)

    @model_validator(mode="after")
    def _is_one_of_two(self) -> ServerEntry:
        if (self.command is None) == (self.url is None):
            raise ValueError("it has either a command or a url")
        return self


class McpTool(ToolBase):
    """One tool of a server. That it may be repeated is what the server says of it."""

    def __init__(self, server: McpServer, tool: Tool, time_limit_s: float) -> None:
        hints = tool.annotations
        harmless = hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)
        super().__init__(
            f"{server.name}{SEPARATOR}{tool.name}",
            clean_text(tool.description or tool.name, most=MOST_DESCRIPTION),
            time_limit_s=time_limit_s,
            repeatable=harmless,
        )
        self._server = server
        self._tool = tool

    def schema(self) -> dict[str, Any]:
        return self._tool.input_schema

    async def run(self, arguments: dict[str, Any], call: ToolCall) -> Any:
        """The structured result where there is one, else `{"text": ...}`."""
        answer = await self._answer(arguments)
        text = _text(answer)
        if len(text) > MOST_RESULT:
            raise ToolExecutionError(
                self.name, Code.RESPONSE_TOO_LARGE, f"the result has {len(text)} characters"
            )
        if answer.is_error:
            said = clean_text(text, most=MOST_ERROR)
            raise ToolExecutionError(self.name, Code.TOOL_EXECUTION_FAILED, said)
        return {"text": text} if answer.structured_content is None else answer.structured_content

    async def _answer(self, arguments: dict[str, Any]) -> CallToolResult:
        """Once more where it may be repeated: the server may have ended since the last call."""
        try:
            return await self._server.call(self._tool.name, arguments)
        except CodedError as error:
            if not self.repeatable or error.reason is not Code.CONNECTION_FAILED:
                raise
        return await self._server.call(self._tool.name, arguments)


class McpServers:
    """The servers of a runner, by name. `aclose` ends them all."""

    def __init__(self, entries: dict[str, ServerEntry], policy: HttpPolicy) -> None:
        self._entries = entries
        self._policy = policy
        self._servers: dict[str, McpServer] = {}
        self._tools: dict[str, ToolBase] = {}

    @classmethod
    def of(cls, settings: Settings) -> McpServers:
        """Those of the file that the settings name. Raises ConfigurationError."""
        file = settings.mcp_servers
        return cls(_entries(file) if file else {}, HttpPolicy.of(settings))

    def names(self) -> list[str]:
        """The names of all servers."""
        return list(self._entries)

    async def offer(self, names: Iterable[str]) -> dict[str, ToolBase]:
        """Those of `names` that are tools of a server, once it was asked for them.

        Raises ToolExecutionError for a server that does not answer, ConfigurationError.
        """
        wanted = [one for one in names if one.partition(SEPARATOR)[0] in self._entries]
        for name in wanted:
            if name not in self._tools:
                await self.tools_of(name.partition(SEPARATOR)[0])
        return {name: self._tools[name] for name in wanted if name in self._tools}

    async def tools_of(self, server_name: str) -> list[ToolBase]:
        """What a server has now. Raises CodedError, ConfigurationError."""
        entry = self._entries[server_name]
        if server_name not in self._servers:
            self._servers[server_name] = await in_thread(lambda: self._made(server_name, entry))
        server = self._servers[server_name]
        found = [McpTool(server, tool, entry.time_limit_s) for tool in await server.tools()]
        self._tools.update({tool.name: tool for tool in found})
        return [*found]

    async def aclose(self) -> None:
        """Ends all connections and programs."""
        servers, self._servers, self._tools = [*self._servers.values()], {}, {}
        for server in servers:
            await server.aclose()

    def _made(self, name: str, entry: ServerEntry) -> McpServer:
        from oppspot_runner.connectors.mcp import McpServer, Program, Service

        def read(secrets: dict[str, str]) -> dict[str, str]:
            return {key: read_secret(text, f"{key} of {name}") for key, text in secrets.items()}

        if entry.command is not None:
            where: Program | Service = Program(entry.command, entry.args, read(entry.env))
        else:
            where = Service(entry.url or "", read(entry.headers), self._policy)
        return McpServer(name, where, entry.time_limit_s)


def _entries(file: Path) -> dict[str, ServerEntry]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read OPPSPOT_MCP_SERVERS in {file}: {error}") from None
    entries = {}
    for name, table in tables.items():
        try:
            checked = _Named.model_validate({"name": name, "entry": table})
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"][1:])
            raise ConfigurationError(
                f"the server {name!r} in {file} cannot be used: {place or 'it'}: {first['msg']}"
            ) from None
        entries[name] = checked.entry
    return entries


class _Named(BaseModel):
    name: str = Field(pattern=SERVER_NAME)
    entry: ServerEntry


def _text(answer: CallToolResult) -> str:
    """The text of an answer; of what is no text only what it is."""
    parts = [block.text if block.type == "text" else f"[{block.type}]" for block in answer.content]
    return str(clean("\n".join(parts)))
