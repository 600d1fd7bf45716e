"""Tools of MCP servers: a program of the tests, and the same one by HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from oppspot_runner import Context
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import load_settings
from oppspot_runner.base.tool_errors import CodedError
from oppspot_runner.tools.mcp_servers import McpServers
from oppspot_runner.tools.registry import ToolRegistry
from oppspot_runner.tools.sandbox import ToolSandbox
from tests.runner.conftest import Bench
from tests.tools.mcp_sample import server

ROOT = Path(__file__).parents[2]
PROGRAM = f"""
[sample]
command = "{sys.executable}"
args = ["-m", "tests.tools.mcp_sample"]
env = {{ SAMPLE_SECRET = "env:SAMPLE_TOKEN", PYTHONPATH = "{ROOT}" }}
time_limit_s = 20
"""


def servers(folder: Path, text: str, **settings: Any) -> McpServers:
    file = folder / "mcp.toml"
    file.write_text(text)
    return McpServers.of(load_settings(mcp_servers=file, **settings))


@asynccontextmanager
async def sandbox_of(made: McpServers) -> AsyncIterator[ToolSandbox]:
    registry = ToolRegistry(await made.tools_of("sample"))
    sandbox = ToolSandbox(registry)
    try:
        yield sandbox
    finally:
        await sandbox.aclose()
        await made.aclose()


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE_TOKEN", "s3cr3t")
    monkeypatch.setenv("OPPSPOT_LOG_LEVEL", "debug")


@pytest.mark.slow
async def test_a_program_that_is_called_fails_hangs_and_dies(tmp_path: Path, token: None) -> None:
    made = servers(tmp_path, PROGRAM)
    async with sandbox_of(made) as sandbox:
        tools = {name: sandbox._tools.find(name) for name in sandbox._tools.known()}
        add = tools["sample__add"]
        assert (add.description, set(add.schema()["properties"])) == (
            "Adds two numbers.",
            {"a", "b"},
        )
        # As the server says of each.
        assert (add.repeats({}), tools["sample__fail"].repeats({})) == (True, False)
        added = await sandbox.aexecute("sample__add", {"a": 2, "b": 3})
        assert added["result"] == {"result": 5}
        failed = await sandbox.aexecute("sample__fail", {})
        assert (failed["code"], "as it must" in failed["error"]) == ("TOOL_EXECUTION_FAILED", True)
        wrong = await sandbox.aexecute("sample__add", {"a": "x"})
        assert wrong["success"] is False
        # Of our environment it is told what the file says, and nothing else.
        told = await sandbox.aexecute("sample__secret", {})
        assert told["result"] == {"result": "s3cr3t -"}
        # What may be repeated does not notice that the server is another one by now.
        pid = (await sandbox.call("sample__pid", {}))["result"]
        os.kill(pid, signal.SIGKILL)
        again = await sandbox.aexecute("sample__add", {"a": 1, "b": 1})
        assert again["result"] == {"result": 2}
        tools["sample__hang"].time_limit_s = 0.3
        assert (await sandbox.aexecute("sample__hang", {}))["code"] == "TOOL_TIMEOUT"
        assert (await sandbox.aexecute("sample__add", {"a": 1, "b": 2}))["success"] is True
        assert (await sandbox.aexecute("sample__die", {}))["code"] == "CONNECTION_FAILED"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(server.streamable_http_app(), log_level="error")
        serving = uvicorn.Server(config)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(serving.serve(sockets=[listening]))
            while not serving.started and not running.done():
                await asyncio.sleep(0.01)
            yield int(listening.getsockname()[1])
            serving.should_exit = True


async def test_by_http_only_where_the_operator_opened_the_way(port: int, tmp_path: Path) -> None:
    text = f'[sample]\nurl = "http://127.0.0.1:{port}/mcp"\n'
    shut = servers(tmp_path, text)
    with pytest.raises(CodedError, match="not on the public internet"):
        await shut.tools_of("sample")
    await shut.aclose()
    opened = servers(tmp_path, text, reachable_networks=["127.0.0.1/32"])
    async with sandbox_of(opened) as sandbox:
        assert (await sandbox.aexecute("sample__add", {"a": 2, "b": 3}))["result"] == {"result": 5}


async def test_an_agent_calls_what_its_configuration_names(
    bench: Bench, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mcp.toml"
    here = f'[sample]\nurl = "http://127.0.0.1:{port}/mcp"\n'
    file.write_text(here + '[away]\ncommand = "/nowhere/at/all"\n')
    monkeypatch.setenv("OPPSPOT_REACHABLE_NETWORKS", "127.0.0.1/32")
    monkeypatch.setenv("OPPSPOT_MCP_SERVERS", str(file))

    async def adding(ctx: Context) -> dict[str, Any]:
        return await ctx.tools.call("sample__add", {"a": 20, "b": 22})

    may = json.dumps({"tools": ["sample__add"]})
    agent = await bench.agent(adding, configuration=may)
    other = await bench.agent_row(
        "adding", configuration=json.dumps({"tools": ["away__x"], "max_retries": 0})
    )
    async with bench.running():
        tasks = [await bench.task(agent), await bench.task(other)]
        done, failed = await bench.ended(*tasks)
    assert done["status"] == "completed", done["error_message"]
    assert (await bench.attempts(tasks[0]))[0]["output_data"]["result"] == {"result": 42}
    assert "the server away cannot be connected to" in failed["error_message"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a]\ncommand = 'x'\nurl = 'y'", "either a command or a url"),
        ("[a]\n", "either a command or a url"),
        ("[a__b]\ncommand = 'x'", "should match pattern"),
        ("[a]\ncommand = 'x'\nshell = true", "shell"),
        ("[a", "cannot read OPPSPOT_MCP_SERVERS"),
        ("a = 1", "cannot be used"),
    ],
)
def test_a_file_that_means_nothing_is_said_with_its_place(
    text: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        servers(tmp_path, text)
