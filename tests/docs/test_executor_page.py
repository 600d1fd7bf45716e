"""The page about executors is run from top to bottom, against a provider on this machine."""

from __future__ import annotations

import pytest

import asyncio
import sys
from pathlib import Path

from tests.docs.conftest import environment
from tests.docs.pages import blocks_of
from tests.llm.scripted import KEY, Answer, Call, Fault
from tests.llm.server import WIRES, ContractServer

PAGE = "docs/guides/agent-executor.md"
SUM = Call("1", "calculator", {"operation": "add", "a": 15, "b": 27})
SCRIPT = [
    *(Answer(calls=(SUM,), stop="tools"), Answer("15 + 27 is 42.")),
    *(Answer(calls=(Call("2", "custom_tool", {}),), stop="tools"), Answer("It works.")),
    *[Answer("Here I am.")] * 3,
    Fault("context"),
]


@pytest.mark.slow
async def test_its_code_does_what_it_says(tmp_path: Path) -> None:
    page = tmp_path / "page.py"
    page.write_text("\n\n".join(one.body for one in blocks_of(PAGE, "python")), encoding="utf-8")
    async with ContractServer(WIRES[0]) as server:
        server.script += SCRIPT
        own = environment(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=server.base_url)
        command = (sys.executable, "-W", "error", str(page))
        running = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, env=own, stdout=asyncio.subprocess.PIPE
        )
        printed = (await running.communicate())[0].decode().splitlines()
    said = [line for line in printed if "model_retired" not in line]
    assert running.returncode == 0
    assert not server.faults
    assert said[:3] == ["Result: 15 + 27 is 42.", "Tokens used: 240", "Cost: $0.0008"]
    assert "'result': {'result': 'success'}, 'tool_name': 'custom_tool'" in said[3]
    assert said[4].startswith("too long")
    assert len(server.asked) == len(SCRIPT)
