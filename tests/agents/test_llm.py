"""Agents of the type `llm`: rows that think with a model, through a real runner."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, LiteralString
from uuid import UUID

import pytest

from oppspot_runner.agents.llm import LlmTask, llm
from oppspot_runner.agents.prompts import DATA_RULE
from oppspot_runner.base.errors import Fail
from oppspot_runner.llm.messages import AssistantMessage, ModelRequest, Reply, Usage, UserMessage
from tests.runner.conftest import Bench

ADD = {"name": "calculator", "arguments": {"operation": "add", "a": 15, "b": 27}}
SCRIPT = [{"text": "Let me see.", "calls": [ADD]}, {"text": "It is {result}."}]
KEYS = ["cost_usd", "conversation_history", "response", "state", "tokens_used", "tool_results"]


class Asked:
    """A Context as far as the agent uses it, and what its model is asked."""

    def __init__(self, configuration: dict[str, Any], **facts: Any) -> None:
        self.agent = SimpleNamespace(configuration=configuration)
        self.goal_context: dict[str, Any] = facts.get("goal", {})
        self.upstream: dict[str, Any] = facts.get("upstream", {})
        self.llm = self.tools = self
        self.requests: list[ModelRequest] = []

    async def specs(self) -> list[Any]:
        return []

    async def call(self, name: str, arguments: Any) -> Any:
        raise AssertionError(name)

    async def ask(self, request: ModelRequest, *, model: str, goes_on: bool) -> Reply:
        self.requests.append(request)
        return Reply(AssistantMessage(model), "end", Usage(), model)


async def told(configuration: dict[str, Any], payload: dict[str, Any], **facts: Any) -> Asked:
    """What the model is asked for a task with that payload."""
    asked = Asked(configuration, **facts)
    await llm.function(asked, LlmTask.model_validate(payload))
    return asked


def text(asked: Asked) -> str:
    last = asked.requests[0].messages[-1]
    assert isinstance(last, UserMessage)
    return last.text


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"input": "Count."}, "Count."),
        ({"title": "Pears", "description": "Count."}, "Pears\n\nCount."),
        ({"task_title": "Pears", "input": "Count."}, "Pears\n\nCount."),
        ({"input": {"n": 1}}, '<data from="input">\n{"n": 1}\n</data>'),
        (
            {"company": "Acme", "force_execute": True},
            '<data from="payload">\n{"company": "Acme"}\n</data>',
        ),
    ],
)
async def test_the_payload_is_what_the_user_says(payload: dict[str, Any], said: str) -> None:
    assert text(await told({"prompt": "Be brief."}, payload)) == said


async def test_what_others_found_is_data_without_how_they_found_it() -> None:
    results = {"response": "Buy!", "conversation_history": [{"text": "all of it"}]}
    upstream = {"a1": {"items": 3}, "a2": results, "a3": {**results, "output": {"buy": True}}}
    asked = await told(
        {}, {"input": "Sum up."}, upstream=upstream, goal={"sector": "pears", "x": {}}
    )
    assert text(asked) == (
        'Sum up.\n\n<data from="goal">\n{"sector": "pears"}\n</data>\n\n'
        '<data from="agent a1">\n{"items": 3}\n</data>\n\n'
        '<data from="agent a2">\nBuy!\n</data>\n\n'
        '<data from="agent a3">\n{"buy": true}\n</data>'
    )
    assert asked.requests[0].instructions == DATA_RULE


async def test_the_configuration_says_how_the_model_is_asked() -> None:
    parameters = {"model": "mock:echo", "temperature": 0.2, "max_tokens": 77}
    asked = await told({"parameters": parameters, "cache_prompt": True}, {"input": "x"})
    (request,) = asked.requests
    assert (request.temperature, request.max_tokens, request.cache_prompt) == (0.2, 77, True)
    usual = (await told({}, {"input": "x"})).requests[0]
    assert (usual.temperature, usual.max_tokens) == (0.7, 1000)


@pytest.mark.parametrize(
    ("configuration", "payload", "said"),
    [
        ({"temperature": 9}, {"input": "x"}, "cannot be used: temperature: "),
        ({}, {}, "there is nothing to ask the model"),
        ({"prompt_template": "{task_title}"}, {"input": "x"}, "wants {task_title}"),
        ({}, {"input": "x", "conversation_history": [1]}, "the history cannot be read: message 0"),
    ],
)
async def test_what_cannot_be_asked_fails_before_any_call(
    configuration: dict[str, Any], payload: dict[str, Any], said: str
) -> None:
    with pytest.raises(Fail, match=said.replace("{", r"\{")):
        await told(configuration, payload)


async def thinking(bench: Bench, **configuration: Any) -> UUID:
    """A row of that type which plays a script."""
    bench.registry.register(llm)
    given = {"model": "mock:script", "script": SCRIPT, "tools": ["calculator"], **configuration}
    return await bench.agent_row("llm", configuration=json.dumps(given))


async def test_a_row_has_a_conversation_and_its_result_is_the_output(bench: Bench) -> None:
    task = await bench.task(await thinking(bench), payload='{"input": "What is 15 + 27?"}')
    async with bench.running():
        (row,) = await bench.ended(task)
    assert row["status"] == "completed", row["error_message"]
    (attempt,) = await bench.attempts(task)
    output = attempt["output_data"]
    assert sorted(output) == sorted(KEYS)
    assert output["response"] == 'It is {"result": "42", "exact": true}.'
    assert output["tokens_used"] == attempt["metrics"]["tokens"]
    assert (attempt["metrics"]["model_calls"], attempt["metrics"]["tool_calls"]) == (2, 1)


async def test_a_later_attempt_goes_on_where_the_last_one_was(bench: Bench) -> None:
    script = [SCRIPT[0], {"error": "PROVIDER_OVERLOADED"}]
    agent = await thinking(bench, script=script, backoff={"first": 0}, max_retries=1)
    task = await bench.task(agent, payload='{"input": "go"}')
    async with bench.running():
        (row,) = await bench.ended(task)
    assert row["error_message"].startswith("PROVIDER_OVERLOADED: ")
    calls = await bench.db.fetch_all("SELECT seq, status FROM model_calls ORDER BY started_at")
    assert [(one["seq"], one["status"]) for one in calls] == [
        (0, "finished"),
        (1, "failed"),
        (1, "failed"),
    ]
    assert len(await bench.db.fetch_all("SELECT FROM tool_calls")) == 1


async def test_an_answer_that_was_repaired_is_not_paid_again_after_another_error(
    bench: Bench,
) -> None:
    script = [SCRIPT[0], {"text": "no"}, {"error": "PROVIDER_OVERLOADED"}]
    schema = {"type": "object", "required": ["sum"]}
    agent = await thinking(
        bench, script=script, output_schema=schema, backoff={"first": 0}, max_retries=1
    )
    task = await bench.task(agent, payload='{"input": "go"}')
    async with bench.running():
        await bench.ended(task)
    calls = await bench.db.fetch_all("SELECT seq, attempt FROM model_calls ORDER BY started_at")
    made = [(one["seq"], one["attempt"]) for one in calls]
    assert made == [(0, 1), (1, 1), (2, 1), (2, 2)]


async def test_the_words_of_the_model_are_events_of_the_run(bench: Bench) -> None:
    agent = await thinking(bench, script=[{"text": "One two three."}], tools=[])
    run = await bench.db.fetch_one(
        """SELECT run_graph(%s::uuid, '{"input": "Count."}') AS id""", (agent,)
    )
    assert run is not None
    ended = "SELECT status FROM stream_runs WHERE id = %s AND status <> 'running'"
    async with bench.running():
        await bench.until(lambda: _any(bench, ended, run["id"]))
    told = "SELECT data FROM run_events WHERE run_id = %s AND type = 'output_chunk' ORDER BY seq"
    chunks = await bench.db.fetch_all(told, (run["id"],))
    assert "".join(one["data"]["chunk"] for one in chunks) == "One two three."


async def _any(bench: Bench, query: LiteralString, value: Any) -> bool:
    return bool(await bench.db.fetch_all(query, (value,)))
