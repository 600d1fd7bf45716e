"""What the agent executor system prints of HTTP: each request is sent, each answer compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from cryptography.fernet import Fernet

from oppspot_runner.agents.llm import llm
from oppspot_runner.agents.registry import Registry
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from oppspot_runner.tools.tool_base import ToolBase
from tests.api.conftest import api, state
from tests.llm.scripted import Answer, Call
from tests.llm.server import ContractServer
from tests.llm.wire_anthropic import Anthropic
from tests.runner.conftest import Bench
from tests.seeds.printed import faults

__all__ = ["api", "state"]

# pytest lays its rules over ours
pytestmark = pytest.mark.filterwarnings("ignore:Sampling parameters")

MODEL = "claude-sonnet-4-20250514"
CREATED = {
    "name": "Test Agent",
    "description": "Test agent",
    "agent_type": "llm",
    "model": MODEL,
    "api_key": "test-key",
    "is_active": True,
}
OUTPUT = {
    "response": "The answer is 4",
    "tool_results": [],
    "conversation_history": [...],
    "tokens_used": 123,
    "cost_usd": 0.0001,
    "state": "completed",
}
EXECUTED = {
    "task_id": "uuid",
    "agent_id": "uuid",
    "model": MODEL,
    "input": "What is 2 + 2?",
    "output": OUTPUT,
    "tokens_used": 123,
    "cost_usd": 0.0001,
    "state": "completed",
    "created_at": "2026-02-23T10:00:00Z",
}
TOOLS = {
    "agent_id": "uuid",
    "tools": [
        {
            "name": "calculator",
            "description": "Performs arithmetic operations",
            "enabled": True,
        }
    ],
    "total_tools": 1,
}
TESTED = {
    "agent_id": "uuid",
    "model": MODEL,
    "test_input": "Test the calculator tool",
    "test_output": {**OUTPUT, "tool_results": [...]},
    "success": True,
    "timestamp": "2026-02-23T10:00:00Z",
    "tokens_used": 123,
    "cost_usd": 0.0001,
    "conversation_history": [...],
}
ERROR = {
    "success": False,
    "error": "Error message",
    "tool_name": "tool_name",
    "code": "ERROR_CODE",
    "timestamp": "2026-02-23T10:00:00Z",
}


SUM = Call("1", "calculator", {"operation": "add", "a": 15, "b": 27})


@pytest.fixture
async def provider(
    db: Database, state: ApiState, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ContractServer]:
    """The provider of the printed model; the server and the runner ask it."""
    async with ContractServer(Anthropic()) as running:
        monkeypatch.setenv("DATABASE_URL", db.dsn)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.base_url)
        monkeypatch.setenv("OPPSPOT_SECRET_KEY", Fernet.generate_key().decode())
        state.settings = Settings(_env_file=None)
        yield running


async def created(api: httpx2.AsyncClient, **more: Any) -> str:
    answer = await api.post("/api/v1/agents", json={**CREATED, **more})
    assert answer.status_code == 200, answer.text
    agent_id: str = answer.json()["id"]
    return agent_id


async def test_the_printed_agent_is_created(
    api: httpx2.AsyncClient, provider: ContractServer
) -> None:
    shown = (await api.get(f"/api/v1/agents/{await created(api)}")).json()
    assert {key: shown.get(key) for key in CREATED} == {**CREATED, "api_key": None}
    assert shown["api_key_stored"] is True


@pytest.mark.slow
async def test_the_printed_agent_is_created_and_executed(
    api: httpx2.AsyncClient, bench: Bench, provider: ContractServer
) -> None:
    bench.registry.register(llm)
    agent = await created(api)
    provider.script = [Answer(text="The answer is 4")]
    async with bench.running():
        answer = await api.post(f"/api/v1/agents/{agent}/execute", json={"input": "What is 2 + 2?"})
    assert answer.status_code == 200, answer.text
    executed = answer.json()
    assert faults(EXECUTED, executed) == []
    assert list(executed) == list(EXECUTED)
    assert (executed["model"], executed["input"]) == (MODEL, "What is 2 + 2?")
    assert executed["output"]["response"] == "The answer is 4"
    assert executed["tokens_used"] == executed["output"]["tokens_used"] > 0
    assert executed["cost_usd"] == executed["output"]["cost_usd"] > 0
    assert [one.key for one in provider.asked] == ["test-key"]
    (task,) = await bench.db.fetch_all("SELECT id, agent_id FROM agent_tasks")
    assert (executed["task_id"], executed["agent_id"]) == (str(task["id"]), str(task["agent_id"]))


async def test_the_tools_of_an_agent_have_the_printed_shape(
    api: httpx2.AsyncClient, provider: ContractServer
) -> None:
    agent = await created(api, tools={"calculator": True, "http_request": False})
    answer = (await api.get(f"/api/v1/agents/{agent}/tools")).json()
    assert faults(TOOLS, answer) == []
    assert [(one["name"], one["enabled"]) for one in answer["tools"]] == [
        ("calculator", True),
        ("http_request", False),
    ]
    assert (answer["agent_id"], answer["total_tools"]) == (agent, 2)


@pytest.mark.slow
async def test_the_printed_test_runs_at_once_without_a_runner(
    api: httpx2.AsyncClient, state: ApiState, provider: ContractServer
) -> None:
    state.registry = Registry()
    state.registry.register(llm)
    agent = await created(api, tools={"calculator": True})
    provider.script = [Answer(calls=(SUM,), stop="tools"), Answer(text="Test successful")]
    asked = {"input": "Test the calculator tool"}
    answer = await api.post(f"/api/v1/agents/{agent}/test", json=asked)
    assert answer.status_code == 200, answer.text
    tested = answer.json()
    assert faults(TESTED, tested) == []
    assert list(tested) == list(TESTED)
    assert (tested["model"], tested["test_input"]) == (MODEL, asked["input"])
    assert tested["test_output"]["response"] == "Test successful"
    assert tested["test_output"]["tool_results"][0]["result"]["result"] == "42"
    assert tested["tokens_used"] == tested["test_output"]["tokens_used"] > 0
    assert tested["conversation_history"] == tested["test_output"]["conversation_history"]
    assert [one.key for one in provider.asked] == ["test-key"] * 2


class BrokenTool(ToolBase):
    def __init__(self) -> None:
        super().__init__(name="broken", description="Is always broken.")

    def _execute_impl(self, arguments: dict[str, Any]) -> Any:
        raise RuntimeError("it is broken")


async def test_a_failed_tool_is_told_in_the_printed_shape(
    api: httpx2.AsyncClient, bench: Bench
) -> None:
    async def calls(ctx: Any) -> dict[str, Any]:
        return {"result": await ctx.tools.result("broken")}

    custom = '{"custom_tools": {"broken": {"class": "BrokenTool"}}}'
    agent = await bench.agent(calls, configuration=custom)
    async with bench.running():
        answer = await api.post(f"/api/v1/agents/{agent}/execute", json={"input": "go"})
    body = answer.json()
    assert 400 <= answer.status_code < 500
    assert faults(ERROR, body) == []
    assert list(body) == list(ERROR)
    assert (body["tool_name"], body["code"]) == ("broken", "TOOL_EXECUTION_FAILED")
