"""The loop of calls, on a model and tools that are two functions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from oppspot_runner.agents.conversation import Conversation, ConversationLimitError, Limits
from oppspot_runner.agents.history import MOST_RESULT, shown
from oppspot_runner.base.errors import Fail
from oppspot_runner.base.waiting import Suspended
from oppspot_runner.llm.errors import OutputSchemaError, ProviderOverloadedError
from oppspot_runner.llm.messages import (
    AssistantMessage,
    Message,
    ModelRequest,
    Reply,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    UserMessage,
)
from oppspot_runner.llm.mock import MockProvider
from oppspot_runner.llm.model import LanguageModel
from oppspot_runner.llm.names import ModelName
from oppspot_runner.llm.prices import ModelPrice, PriceList
from oppspot_runner.llm.tokens import request_tokens, text_tokens
from oppspot_runner.tools.outcome import succeeded

Tool = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
NAME = ModelName("mock", "script", "mock:script")
PRICES = PriceList(version="1", models={str(NAME): ModelPrice(input=Decimal(1), output=Decimal(2))})
SUM = {"type": "object", "required": ["sum"]}


async def doubled(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return succeeded(name, 2 * arguments["n"])


def calling(*numbers: int, name: str = "double") -> dict[str, Any]:
    """A turn of a script that calls the tool with each number."""
    return {"calls": [{"name": name, "arguments": {"n": n}} for n in numbers]}


def conversation(
    script: list[Any], call: Tool = doubled, prices: PriceList = PRICES, **request: Any
) -> tuple[Conversation, list[ModelRequest]]:
    """A conversation with mock:script, and what the model is asked in it."""
    limits = request.pop("limits", Limits())
    model = LanguageModel(NAME, MockProvider(script), prices)
    asked: list[ModelRequest] = []

    async def ask(one: ModelRequest) -> Reply:
        asked.append(one)
        return await model.ask(one)

    tools = [ToolSpec("double", "Doubles n.", {"type": "object"})]
    common = ModelRequest(request.pop("history", ()), tools=tools, **request)
    return Conversation(ask, call, common, limits), asked


async def test_the_model_is_asked_until_it_calls_no_tool() -> None:
    talk, asked = conversation([calling(1), calling(2, 3), {"text": "Done: {result}."}])
    results = talk.results(await talk.run("double them"))
    assert (results["response"], results["state"]) == ("Done: 6.", "completed")
    assert [one["result"] for one in results["tool_results"]] == [2, 4, 6]
    assert [len(one.messages) for one in asked] == [1, 3, 6]
    assert [one["role"] for one in results["conversation_history"]] == [
        *("user", "assistant", "tool", "assistant", "tool", "tool", "assistant")
    ]


async def test_tokens_and_cost_are_the_sum_of_all_answers() -> None:
    talk, _ = conversation([calling(1), {"text": "x"}])
    results = talk.results(await talk.run("go"))
    assert results["tokens_used"] == talk.usage.total
    assert results["cost_usd"] == float((talk.usage.input + 2 * talk.usage.output) / Decimal(10**6))


async def test_one_answer_without_a_price_makes_the_cost_unknown() -> None:
    talk, _ = conversation([{"text": "x"}], prices=PriceList(version="1"))
    assert talk.results(await talk.run("go"))["cost_usd"] is None


async def test_tools_of_one_answer_are_called_at_the_same_time() -> None:
    together = asyncio.Barrier(3)

    async def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        async with asyncio.timeout(5):
            await together.wait()
        return await doubled(name, arguments)

    talk, _ = conversation([calling(3, 2, 1), {"text": "x"}], call)
    await talk.run("go")
    assert [one["result"] for one in talk.tool_results] == [6, 4, 2]


async def test_a_tool_that_the_agent_does_not_have_is_an_error_that_the_model_reads() -> None:
    talk, asked = conversation([calling(1, name="trible"), {"text": "{result}"}])
    await talk.run("go")
    (told,) = [one for one in asked[1].messages if isinstance(one, ToolResult)]
    assert told.failed
    assert told.content["code"] == "TOOL_NOT_FOUND"
    assert "known: double" in told.content["error"]
    assert list(told.content) == ["success", "error", "tool_name", "code", "timestamp"]


async def test_secrets_in_results_of_tools_reach_no_model() -> None:
    async def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return succeeded(name, {"api_key": "sk-1", "note": "see postgres://me:sk-2@host/db"})

    talk, asked = conversation([calling(1), {"text": "x"}], call)
    results = talk.results(await talk.run("go"))
    assert "sk-" not in f"{asked} {results}"


@pytest.mark.parametrize("other", ["fails", "waits"])
async def test_a_tool_that_raises_does_not_cut_the_others_off(other: str) -> None:
    ended = []

    async def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments["n"] == 1:
            raise Suspended("for its time", None)
        await asyncio.sleep(0)
        ended.append(arguments["n"])
        if other == "fails":
            raise Fail("no")
        return await doubled(name, arguments)

    talk, _ = conversation([calling(1, 2), {"text": "x"}], call)
    with pytest.raises(Fail if other == "fails" else Suspended):
        await talk.run("go")
    assert ended == [2]


async def test_calls_of_tools_over_the_limit_are_told_to_the_model() -> None:
    talk, asked = conversation(
        [calling(1, 2), calling(3, 4), {"text": "x"}], limits=Limits(tool_calls=3)
    )
    await talk.run("go")
    assert [one.get("code") for one in talk.tool_results] == [
        *(None, None, None, "TOO_MANY_TOOL_CALLS")
    ]
    assert len(asked) == 3


async def test_a_conversation_that_does_not_end_is_ended() -> None:
    talk, asked = conversation([calling(n) for n in range(9)], limits=Limits(model_calls=4))
    with pytest.raises(ConversationLimitError, match="asked 4 times") as caught:
        await talk.run("go")
    assert (caught.value.code, caught.value.retried) == ("TOO_MANY_MODEL_CALLS", False)
    assert len(asked) == 4


async def test_no_call_begins_after_the_time_and_none_may_take_longer() -> None:
    async def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        talk._until = 0.0  # the time is over while the tool works
        return await doubled(name, arguments)

    talk, asked = conversation([calling(1), {"text": "x"}], call, limits=Limits(time_s=9))
    with pytest.raises(ConversationLimitError, match="longer than 9 s") as caught:
        await talk.run("go")
    assert caught.value.code == "CONVERSATION_TIMEOUT"
    assert [one.timeout_s <= 9 for one in asked] == [True]


def used(request: ModelRequest) -> Usage:
    answers = ("forty-two", "{}", '{"sum": 42}')
    return Usage(request_tokens(request), text_tokens(answers[len(request.messages) // 2]))


async def test_an_answer_that_does_not_fit_is_given_back_and_paid() -> None:
    script = [{"text": "forty-two"}, {"text": "{}"}, {"text": '{"sum": 42}'}]
    talk, asked = conversation(script, output_schema=SUM)
    results = talk.results(await talk.run("go"))
    assert results["output"] == {"sum": 42}
    assert results["response"] == '{"sum": 42}'
    assert talk.usage == sum(map(used, asked), Usage())
    told = [one.text for one in talk.messages if isinstance(one, UserMessage)]
    assert "the answer is not JSON" in told[1]


async def test_repairs_are_bounded() -> None:
    talk, asked = conversation([{"text": "no"}] * 9, output_schema=SUM, limits=Limits(repairs=2))
    with pytest.raises(OutputSchemaError):
        await talk.run("go")
    assert len(asked) == 3


async def test_an_answer_that_max_tokens_cut_off_is_not_repaired() -> None:
    async def ask(request: ModelRequest) -> Reply:
        return Reply(AssistantMessage('{"su'), "length", Usage(), "m")

    talk = Conversation(ask, doubled, ModelRequest((), output_schema=SUM))
    with pytest.raises(ConversationLimitError, match="was truncated") as caught:
        await talk.run("go")
    assert (caught.value.code, caught.value.hint) == ("ANSWER_INCOMPLETE", "Raise max_tokens.")


async def test_without_a_schema_it_is_a_result_that_says_so() -> None:
    async def ask(request: ModelRequest) -> Reply:
        return Reply(AssistantMessage("It i"), "length", Usage(), "m")

    talk = Conversation(ask, doubled, ModelRequest(()))
    assert talk.results(await talk.run("go"))["state"] == "truncated"


async def test_what_a_model_ends_with_ends_the_conversation() -> None:
    talk, _ = conversation([calling(1), {"error": "PROVIDER_OVERLOADED", "retry_after_s": 3}])
    with pytest.raises(ProviderOverloadedError):
        await talk.run("go")


def turn(number: int) -> list[Message]:
    """A turn of 4 messages with 100 tokens each, by the rule."""
    call = ToolCall(f"c{number}", "", {})
    words = [UserMessage("u" * 400), AssistantMessage("a" * 396, (call,))]
    return [*words, ToolResult(call.id, "double", "r" * 400), AssistantMessage("b" * 400)]


@pytest.mark.parametrize(("most", "turns"), [(10_000, 3), (1_200, 3), (1_199, 2), (799, 1), (1, 1)])
def test_old_turns_are_left_out_whole(most: int, turns: int) -> None:
    told = [turn(n) for n in range(3)]
    seen = shown([*told[0], *told[1]], told[2], most)
    assert seen == [one for kept in told[3 - turns :] for one in kept]


async def test_the_history_stays_whole_when_the_model_sees_a_part() -> None:
    before = [*turn(1), *turn(2)]
    talk, asked = conversation(
        [{"text": "x"}] * 9, history=before, limits=Limits(context_tokens=600)
    )
    results = talk.results(await talk.run("go"))
    assert list(asked[0].messages) == [*turn(2), UserMessage("go")]
    assert len(results["conversation_history"]) == 10


def test_a_very_long_result_is_shown_in_part() -> None:
    long = ToolResult("c", "double", {"body": "x" * 90_000})
    (seen,) = shown([], [long], 10)
    assert isinstance(seen, ToolResult)
    assert len(seen.content) < MOST_RESULT + 100
    assert seen.content.endswith("[cut here: 90,012 characters in all]")
