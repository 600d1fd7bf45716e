"""The executor: an agent with its model and tools, in a program without a runner."""

from __future__ import annotations

import asyncio
import json
from typing import Any, ClassVar

import pytest

from oppspot_runner import AgentExecutor, LLMModel
from oppspot_runner.base.errors import ConfigurationError, InvalidInputError, OppspotError
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.tool_errors import ToolNotFoundError
from oppspot_runner.llm import models
from oppspot_runner.llm.errors import ApiKeyMissingError, UnknownModelError
from oppspot_runner.llm.messages import AssistantMessage, ModelRequest, Reply, Usage
from oppspot_runner.tools.tool_base import ToolBase
from tests.llm.scripted import KEY, Answer, Call
from tests.llm.server import WIRES, ContractServer

CONFIG = {
    "name": "Math Assistant",
    "role": "math expert",
    "instructions": "Use the calculator tool.",
    "tools": {"calculator": True, "http_request": False},
    "custom_tools": {},
}
ADD = {"operation": "add", "a": 15, "b": 27}
SCRIPT = [{"calls": [{"name": "calculator", "arguments": ADD}]}, {"text": "It is {result}."}]


class ShoutTool(ToolBase):
    """A tool whose class a configuration can name."""

    def __init__(self) -> None:
        super().__init__("shout", "Says it loudly.")

    def _execute_impl(self, arguments: dict[str, Any]) -> Any:
        return arguments["text"].upper()


def executor(model: str = "mock:script", given: dict[str, Any] | None = None, **more: Any) -> Any:
    settings = Settings(_env_file=None, **(given or {}))
    return AgentExecutor({**CONFIG, "script": SCRIPT, **more}, model, settings=settings)


def test_it_has_the_model_and_the_tools_that_it_was_made_with() -> None:
    made = executor(LLMModel.CLAUDE_SONNET_4)
    assert made.model == LLMModel.CLAUDE_SONNET_4
    assert len(made.tools) == 1
    made.sandbox.set_rate_limit("calculator", max_calls=100, window_seconds=60)
    made.sandbox.add_allowed_domain("api.example.com")


def test_execute_answers_code_without_a_loop() -> None:
    result = executor().execute("What is 15 + 27?")
    assert list(result) == [
        *("response", "tool_results", "conversation_history", "tokens_used", "cost_usd", "state")
    ]
    assert result["response"] == 'It is {"result": "42", "exact": true}.'
    assert f"{result['cost_usd']:.4f}" == "0.0000"
    assert json.loads(json.dumps(result)) == result


async def test_inside_of_a_loop_what_execute_returns_can_be_a_task() -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(executor().execute("Concurrent test")) for _ in range(3)]
        tasks.append(group.create_task(executor().aexecute("Concurrent test")))
    assert {task.result()["state"] for task in tasks} == {"completed"}


class Provider:
    """Answers and closes when it may."""

    made: ClassVar[list[Provider]] = []

    def __init__(self, _access: object) -> None:
        self.may_answer, self.may_close = asyncio.Event(), asyncio.Event()
        self.closing = asyncio.Event()
        Provider.made.append(self)

    async def ask(self, model: str, request: ModelRequest) -> Reply:
        await self.may_answer.wait()
        assert not self.closing.is_set()
        return Reply(AssistantMessage("yes"), "end", Usage(), model)

    async def close(self) -> None:
        self.closing.set()
        await self.may_close.wait()


async def test_an_execution_that_begins_while_another_ends_has_connections_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models, "LateProvider", Provider)
    monkeypatch.setattr(Provider, "made", [])
    made = executor("openai:any", {"openai_api_key": KEY})
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        one = group.create_task(made.aexecute("one"))
        await asyncio.sleep(0)
        Provider.made[0].may_answer.set()
        await Provider.made[0].closing.wait()
        group.create_task(made.aexecute("two"))
        await asyncio.sleep(0)
        Provider.made[0].may_close.set()
        await asyncio.wait([one], timeout=1)
        Provider.made[1].may_close.set()
        Provider.made[1].may_answer.set()


def test_a_conversation_goes_on_with_its_history() -> None:
    made = executor("mock:echo")
    first = made.execute("one")
    second = made.execute("two", history=first["conversation_history"])
    assert [one["text"] for one in second["conversation_history"]] == ["one", "one", "two", "two"]
    with pytest.raises(InvalidInputError, match="message 0"):
        made.execute("three", history=[{"role": "nobody"}])


def test_a_class_of_the_program_is_a_tool_by_its_name() -> None:
    custom = {"shout": {"class": "ShoutTool", "enabled": True}}
    script = [{"calls": [{"name": "shout", "arguments": {"text": "hi"}}]}, {"text": "{result}"}]
    made = executor(tools={"shout": True}, custom_tools=custom, script=script)
    assert list(made.tools) == ["shout"]
    assert made.execute("go")["response"] == "HI"
    custom["shout"]["enabled"] = False
    assert not executor(tools={"shout": True}, custom_tools=custom).tools


def test_a_tool_is_called_for_whom_the_security_context_says() -> None:
    config = {**CONFIG, "script": SCRIPT}
    refused = AgentExecutor(config, "mock:script", security_context={"permissions": []})
    (outcome,) = refused.execute("go")["tool_results"]
    assert outcome["code"] == "TOOL_NOT_PERMITTED"
    with pytest.raises(ConfigurationError, match="the security context cannot be used: sandbox"):
        AgentExecutor(config, "mock:script", security_context={"sandbox": False})


@pytest.mark.parametrize(
    ("model", "change", "error", "said"),
    [
        ("mock:echo", {"tools": {"calculater": True}}, ToolNotFoundError, "calculater"),
        ("mock:echo", {"custom_tools": {"x": {"class": "os.system"}}}, ToolNotFoundError, "os.sys"),
        ("mock:echo", {"custom_tools": {"x": {"class": "ShoutTool"}}}, ConfigurationError, "shout"),
        ("mock:echo", {"custom_tools": {"x": {"path": "os"}}}, ConfigurationError, "x.class: "),
        ("mock:echo", {"temperature": 3}, ConfigurationError, "temperature: "),
        ("mock:echo", {"limits": {"cost_usd": 1}}, ConfigurationError, "limits.cost_usd"),
        ("nobody-1", {}, UnknownModelError, "nobody-1"),
    ],
)
def test_what_cannot_work_is_said_when_it_is_made(
    model: str, change: dict[str, Any], error: type[OppspotError], said: str
) -> None:
    with pytest.raises(error, match=said):
        executor(model, **change)


def test_a_missing_key_is_said_when_it_is_executed() -> None:
    with pytest.raises(ApiKeyMissingError, match="anthropic"):
        executor(LLMModel.CLAUDE_SONNET_4).execute("go")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Sampling parameters")  # pytest lays its rules over ours
async def test_a_provider_is_asked_with_all_that_the_agent_is() -> None:
    call = Call("1", "calculator", ADD)
    async with ContractServer(WIRES[0]) as server:
        server.script += [Answer(calls=(call,), stop="tools"), Answer("It is 42.")]
        given = {"anthropic_api_key": KEY, "anthropic_base_url": server.base_url}
        result = await executor(LLMModel.CLAUDE_SONNET, given).aexecute("What is 15 + 27?")
    assert not server.faults
    assert (result["response"], result["tokens_used"]) == ("It is 42.", 240)
    assert result["cost_usd"] > 0
    first = server.asked[0]
    assert first.instructions.startswith("Your role: math expert\n\nUse the calculator tool.\n\n")
    assert (first.max_tokens, [name for name, *_ in first.tools]) == (1000, ["calculator"])
    assert KEY not in f"{result}"
