"""The models that need no key: the same answers each time, and tokens by the rule."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings
from oppspot_runner.llm import errors
from oppspot_runner.llm.messages import (
    Message,
    ModelRequest,
    Reply,
    TextChunk,
    ToolCallChunk,
    ToolResult,
    Usage,
    UserMessage,
)
from oppspot_runner.llm.model import LanguageModel
from oppspot_runner.llm.models import Models
from oppspot_runner.llm.tokens import request_tokens, text_tokens
from tests.llm.conftest import SUM, asking

SCRIPT: list[Any] = [
    {"text": "Let me see.", "calls": [{"name": "calculator", "arguments": {"a": 15, "b": 27}}]},
    {"text": "{input} It is {result}."},
]


def found(name: str, script: list[Any] | None = None) -> LanguageModel:
    return Models(Settings(_env_file=None)).find(name, script=script or [])


async def test_echo_says_what_the_user_said_last() -> None:
    history: list[Message] = [UserMessage("one"), UserMessage("two words")]
    reply = await found("mock:echo").ask(ModelRequest(history))
    assert (reply.text, reply.stop, reply.calls) == ("two words", "end", ())
    assert reply.usage == Usage(input=4, output=3)  # 3 and 9 characters in, 9 out
    assert reply.cost == Decimal(0)


async def test_a_script_is_played_turn_by_turn_as_the_history_grows() -> None:
    model = found("mock:script", SCRIPT)
    first = await model.ask(asking(tools=[SUM]))
    assert (first.stop, first.text) == ("tools", "Let me see.")
    (call,) = first.calls
    assert (call.id, call.name, call.arguments) == ("call_1_1", "calculator", {"a": 15, "b": 27})
    history = [*asking().messages, first.message, ToolResult(call.id, call.name, 42)]
    last = await model.ask(asking(messages=history))
    assert (last.stop, last.text) == ("end", "What is 15 + 27? It is 42.")
    assert await model.ask(asking(messages=history)) == last


async def test_a_script_that_is_over_says_so() -> None:
    model = found("mock:script", SCRIPT[:1])
    first = await model.ask(asking())
    with pytest.raises(errors.RequestRefusedError, match="has 1 turns, and this is turn 2"):
        await model.ask(asking(messages=[*asking().messages, first.message]))


async def test_what_users_and_tools_say_is_not_read_as_a_placeholder() -> None:
    history = [UserMessage("{result}"), ToolResult("c", "t", "{input}")]
    model = found("mock:script", [{"text": "{input} {result} {other}"}])
    assert (await model.ask(ModelRequest(history))).text == "{result} {input} {other}"


async def test_a_script_shows_parts_of_a_result_also_in_arguments() -> None:
    result = {"companies": [{"name": "Acme", "score": 4.5}]}
    best = "{result.companies.0.name} has {result.companies.0.score}{result.companies.1.name}"
    call = {"name": "write", "arguments": {"title": best, "rows": [{"n": 1, "t": "{result.no.a}"}]}}
    model = found("mock:script", [{"text": "{input.name}!", "calls": [call]}])
    history = [UserMessage("who"), ToolResult("c", "t", result)]
    reply = await model.ask(ModelRequest(history))
    (made,) = reply.calls
    assert made.arguments == {"title": "Acme has 4.5", "rows": [{"n": 1, "t": ""}]}
    assert reply.text == "!"


async def test_a_mock_streams_the_answer_that_it_gives() -> None:
    model = found("mock:script", SCRIPT)
    async with model.stream(asking()) as chunks:
        *pieces, last = [chunk async for chunk in chunks]
    assert last == await model.ask(asking())
    assert isinstance(last, Reply)
    words = [piece.text for piece in pieces if isinstance(piece, TextChunk)]
    assert words == ["Let ", "me ", "see."]
    calls = [piece for piece in pieces if isinstance(piece, ToolCallChunk)]
    assert "".join(piece.arguments for piece in calls) == '{"a": 15, "b": 27}'


@pytest.mark.parametrize("text", ["", "  ", " a  b\n\n c ", "word", "日本 語"])
async def test_the_pieces_of_a_mock_are_the_whole_text(text: str) -> None:
    async with found("mock:echo").stream(ModelRequest([UserMessage(text)])) as chunks:
        pieces = [chunk.text async for chunk in chunks if isinstance(chunk, TextChunk)]
    assert "".join(pieces) == text


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("RATE_LIMIT_EXCEEDED", errors.ModelRateLimitError),
        ("PROVIDER_OVERLOADED", errors.ProviderOverloadedError),
        ("PROVIDER_UNAVAILABLE", errors.ProviderUnavailableError),
        ("PROVIDER_TIMEOUT", errors.ProviderTimeoutError),
        ("BAD_ANSWER", errors.BadAnswerError),
        ("CONTEXT_LENGTH_EXCEEDED", errors.ContextLengthExceededError),
    ],
)
async def test_a_script_can_fail(code: str, error: type[errors.ModelError]) -> None:
    model = found("mock:script", [{"error": code, "retry_after_s": 3}])
    with pytest.raises(error) as caught:
        await model.ask(asking())
    assert (caught.value.code, caught.value.retry_after_s) == (code, 3.0)


@pytest.mark.parametrize(
    ("turn", "fault"),
    [
        ({"txt": "x"}, "txt"),
        ({"calls": [{"arguments": {}}]}, "calls.0.name"),
        ({"error": "BOOM"}, "error"),
        ("just text", "turn of the script"),
    ],
)
def test_a_bad_script_says_what_is_wrong(turn: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        found("mock:script", [turn])


async def test_there_are_two_mock_models() -> None:
    with pytest.raises(errors.UnknownModelError, match="mock:claude"):
        await found("mock:claude").ask(asking())


async def test_mocks_fit_a_schema_or_say_that_they_do_not() -> None:
    schema = {"type": "object", "required": ["sum"]}
    model = found("mock:script", [{"text": '```json\n{"sum": 42}\n```'}])
    assert (await model.ask(asking(output_schema=schema))).output == {"sum": 42}
    with pytest.raises(errors.OutputSchemaError, match="'sum' is a required property"):
        await found("mock:script", [{"text": "{}"}]).ask(asking(output_schema=schema))
    with pytest.raises(ConfigurationError, match="no JSON Schema"):
        await found("mock:echo").ask(asking(output_schema={"type": "objekt"}))


async def test_a_schema_is_never_fetched_from_elsewhere() -> None:
    for reference in ("http://127.0.0.1:1/schema.json", "file:///etc/hosts", "#/$defs/gone"):
        schema = {"properties": {"a": {"anyOf": [{"$ref": reference}]}}}
        with pytest.raises(ConfigurationError, match="refers to"):
            await found("mock:script", [{"text": "{}"}]).ask(asking(output_schema=schema))
    inside = {"$ref": "#/$defs/sum", "$defs": {"sum": {"type": "integer"}}}
    model = found("mock:script", [{"text": "42"}])
    assert (await model.ask(asking(output_schema=inside))).output == 42


def test_tokens_are_counted_by_the_rule() -> None:
    """A token for every four characters that have begun."""
    assert [text_tokens("x" * n) for n in (0, 1, 4, 5, 8, 9)] == [0, 1, 1, 2, 2, 3]
    plain = asking()  # 9 characters of instructions, 16 of the user
    assert request_tokens(plain) == 3 + 4
    with_result = replace(plain, messages=[ToolResult("c", "t", {"sum": 42})])
    assert request_tokens(with_result) == 3 + 3  # {"sum": 42} has 11 characters
    assert request_tokens(asking(tools=[SUM])) == 3 + 4 + 3 + 5 + 27
