"""One suite for all providers: the same requests, answers and errors, whatever their form is."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from oppspot_runner.llm import errors
from oppspot_runner.llm.messages import (
    AssistantMessage,
    Chunk,
    ModelRequest,
    Reply,
    TextChunk,
    ToolCall,
    ToolCallChunk,
    ToolResult,
    Usage,
    UserMessage,
    from_json,
    to_json,
)
from oppspot_runner.llm.model import LanguageModel
from oppspot_runner.llm.models import Models
from tests.llm.conftest import SUM, asking
from tests.llm.scripted import KEY, SIGNATURE, Answer, Call, Fault, Raw, Silence, Turn, Wire
from tests.llm.server import ContractServer

ADD = Call("call_a", "calculator", {"a": 15, "b": 27})
CALLED = ToolCall("call_a", "calculator", {"a": 15, "b": 27})
# Kind of the fault in the words of the provider, and what it is for us: the same for all.
FAULTS: list[tuple[str, type[errors.ModelError]]] = [
    ("rate_limit", errors.ModelRateLimitError),
    ("server_error", errors.ProviderUnavailableError),
    ("overloaded", errors.ProviderOverloadedError),
    ("context", errors.ContextLengthExceededError),
    ("quota", errors.QuotaExceededError),
    ("auth", errors.AuthenticationFailedError),
    ("unknown_model", errors.UnknownModelError),
    ("refused", errors.RequestRefusedError),
]
SCHEMA = {
    "type": "object",
    "properties": {"sum": {"type": "integer"}},
    "required": ["sum"],
    "additionalProperties": False,
}


async def streamed(model: LanguageModel, request: ModelRequest) -> list[Chunk]:
    async with model.stream(request) as chunks:
        return [chunk async for chunk in chunks]


async def read_on(model: LanguageModel, request: ModelRequest, said: list[Chunk]) -> None:
    """Adds what a stream gives to `said`, until its end or an error."""
    async with model.stream(request) as chunks:
        async for chunk in chunks:
            said.append(chunk)


async def answered(model: LanguageModel, request: ModelRequest, stream: bool) -> Reply:
    """The reply to a request, in one piece or as the end of a stream."""
    if not stream:
        return await model.ask(request)
    *_, last = await streamed(model, request)
    assert isinstance(last, Reply)
    return last


both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@both_ways
async def test_a_question_gets_its_answer(
    model: LanguageModel, server: ContractServer, wire: Wire, stream: bool
) -> None:
    server.script = [Answer("It is 42.", input=31, output=7)]
    reply = await answered(model, asking(temperature=0.25, max_tokens=123), stream)
    assert reply.text == "It is 42."
    assert (reply.stop, reply.calls, reply.model) == ("end", (), wire.model)
    assert reply.usage == Usage(input=31, output=7)
    (asked,) = server.asked
    assert (asked.model, asked.key, asked.stream) == (wire.model, KEY, stream)
    assert asked.instructions == "Be brief."
    assert asked.turns == [("user", "What is 15 + 27?", None)]
    assert (asked.temperature, asked.max_tokens) == (0.25, 123)
    assert (asked.tools, asked.schema, asked.cache_asked) == ([], None, False)


@both_ways
async def test_a_tool_is_called_and_its_result_read(
    model: LanguageModel, server: ContractServer, stream: bool
) -> None:
    server.script = [
        Answer("Let me see.", calls=(ADD,), stop="tools"),
        Answer("It is 42."),
    ]
    first = await answered(model, asking(tools=[SUM]), stream)
    assert (first.stop, first.calls, first.text) == ("tools", (CALLED,), "Let me see.")
    result = ToolResult("call_a", "calculator", {"sum": 42})
    history = [UserMessage("What is 15 + 27?"), first.message, result]
    last = await answered(model, asking(messages=history, tools=[SUM]), stream)
    assert last.text == "It is 42."
    question, answer, read = server.asked[-1].turns
    ((name, description, schema),) = server.asked[-1].tools
    assert (name, description) == (SUM.name, SUM.description)
    assert schema.items() >= SUM.schema.items()
    assert question == ("user", "What is 15 + 27?", None)
    assert answer == ("assistant", "Let me see.", [("call_a", "calculator", {"a": 15, "b": 27})])
    role, content, call_id = read
    shown = json.loads(content) if isinstance(content, str) else content
    assert (role, shown, call_id) == ("tool", {"sum": 42}, "call_a")


async def test_tools_are_called_side_by_side(model: LanguageModel, server: ContractServer) -> None:
    again = Call("call_b", "calculator", {"a": 1, "b": 2})
    server.script = [Answer(calls=(ADD, again), stop="tools"), Answer("42 and 3")]
    first = await model.ask(asking(tools=[SUM]))
    assert [call.id for call in first.calls] == ["call_a", "call_b"]
    results = [
        ToolResult("call_a", "calculator", "42"),
        ToolResult("call_b", "calculator", "it is closed", failed=True),
    ]
    history = [UserMessage("Both, please"), first.message, *results, UserMessage("Well?")]
    await model.ask(asking(messages=history, tools=[SUM]))
    _, said, one, two, user = server.asked[-1].turns
    assert [call[0] for call in said[2]] == ["call_a", "call_b"]
    assert [one[2], two[2], user[1]] == ["call_a", "call_b", "Well?"]
    assert "42" in str(one[1])
    assert "it is closed" in str(two[1])


async def test_a_stream_gives_the_pieces_and_then_the_whole(
    model: LanguageModel, server: ContractServer
) -> None:
    server.script = [Answer("The sum of 15 and 27: let me see.", calls=(ADD,), stop="tools")]
    *pieces, last = await streamed(model, asking(tools=[SUM]))
    assert isinstance(last, Reply)
    assert not any(isinstance(piece, Reply) for piece in pieces)
    words = [piece.text for piece in pieces if isinstance(piece, TextChunk)]
    assert len(words) > 2
    assert "".join(words) == last.text == "The sum of 15 and 27: let me see."
    calls = [piece for piece in pieces if isinstance(piece, ToolCallChunk)]
    assert {(piece.id, piece.name) for piece in calls} == {("call_a", "calculator")}
    assert json.loads("".join(piece.arguments for piece in calls)) == CALLED.arguments


@both_ways
async def test_tokens_are_what_the_provider_counted(
    model: LanguageModel, server: ContractServer, wire: Wire, stream: bool
) -> None:
    kinds: dict[str, dict[str, int]] = {
        "anthropic": {"cached": 700, "cache_written": 200},
        "openai": {"cached": 700, "reasoning": 40},
        "gemini": {"cached": 700, "reasoning": 40},
    }
    kind = kinds[wire.prefix]
    server.script = [Answer("It is 42.", input=1000, output=90, **kind)]
    reply = await answered(model, asking(), stream)
    assert reply.usage == Usage(input=1000, output=90, **kind)


async def test_what_the_provider_signed_goes_back_to_it(
    model: LanguageModel, server: ContractServer, wire: Wire
) -> None:
    server.script = [Answer("Hm.", calls=(ADD,), stop="tools", signed=True), Answer("It is 42.")]
    first = await model.ask(asking(tools=[SUM]))
    history = [UserMessage("?"), first.message, ToolResult("call_a", "calculator", 42)]
    assert from_json(json.loads(json.dumps(to_json(history)))) == history
    await model.ask(asking(messages=history, tools=[SUM]))
    assert server.asked[-1].signatures == ([] if wire.prefix == "openai" else [SIGNATURE])
    role, text, calls = server.asked[-1].turns[1]
    assert (role, text, calls) == ("assistant", "Hm.", [("call_a", "calculator", ADD.arguments)])


async def test_what_another_provider_signed_does_not(
    model: LanguageModel, server: ContractServer
) -> None:
    thought: dict[str, Any] = {
        "kind": "response",
        "provider_name": "somebody else",
        "parts": [
            {"part_kind": "thinking", "content": "a private thought", "signature": SIGNATURE},
            {"part_kind": "text", "content": "It is 42."},
        ],
    }
    server.script = [Answer("Yes.")]
    said = AssistantMessage("It is 42.", kept=thought)
    await model.ask(asking(messages=[UserMessage("?"), said, UserMessage("Sure?")]))
    assert server.asked[-1].signatures == []
    assert server.asked[-1].turns[1] == ("assistant", "It is 42.", [])


@both_ways
async def test_an_output_schema_is_sent_and_the_answer_parsed(
    model: LanguageModel, server: ContractServer, stream: bool
) -> None:
    server.script = [Answer('{"sum": 42}')]
    reply = await answered(model, asking(output_schema=SCHEMA), stream)
    assert reply.output == {"sum": 42}
    schema = server.asked[-1].schema
    assert schema is not None
    assert schema["properties"]["sum"]["type"] == "integer"


async def test_tools_and_a_schema_go_together(
    model: LanguageModel, server: ContractServer, wire: Wire
) -> None:
    server.script = [Answer(calls=(ADD,), stop="tools"), Answer('{"sum": 42}')]
    first = await model.ask(asking(tools=[SUM], output_schema=SCHEMA))
    assert (first.calls, first.output) == ((CALLED,), None)
    history = [UserMessage("?"), first.message, ToolResult("call_a", "calculator", 42)]
    last = await model.ask(asking(messages=history, tools=[SUM], output_schema=SCHEMA))
    assert last.output == {"sum": 42}
    asked = server.asked[-1]
    assert len(asked.tools) == 1
    # Gemini reads of the schema in its instructions then.
    assert (asked.schema is None) == ('"sum"' in asked.instructions) == (wire.prefix == "gemini")


CURRENT = {
    "anthropic": ("claude-sonnet-5-5", None),
    "openai": ("gpt-6-luna", None),
    "gemini": ("gemini-3.8-flash", 0.7),
}


@pytest.mark.filterwarnings("ignore:Sampling parameters")  # pytest lays its rules over ours
async def test_a_temperature_is_left_out_where_a_model_takes_none(
    models: Models, server: ContractServer, wire: Wire
) -> None:
    name, temperature = CURRENT[wire.prefix]
    server.script = [Answer("It is 42.")]
    await models.find(f"{wire.prefix}:{name}").ask(asking(temperature=0.7))
    assert server.asked[-1].temperature == temperature


@pytest.mark.slow
async def test_an_answer_that_does_not_fit_the_schema_is_an_error_that_was_paid(
    model: LanguageModel, server: ContractServer
) -> None:
    server.script = [Answer('{"sum": "many"}', input=50, output=9), Answer("It is 42.")]
    with pytest.raises(errors.OutputSchemaError, match="sum does not fit") as caught:
        await model.ask(asking(output_schema=SCHEMA))
    assert caught.value.usage == Usage(input=50, output=9)
    assert caught.value.answer == '{"sum": "many"}'
    with pytest.raises(errors.OutputSchemaError, match="not JSON"):
        await model.ask(asking(output_schema=SCHEMA))


async def test_the_provider_is_asked_to_keep_a_prompt_where_it_can(
    model: LanguageModel, server: ContractServer, wire: Wire
) -> None:
    server.script = [Answer("It is 42.")]
    await model.ask(asking(cache_prompt=True))
    assert server.asked[-1].cache_asked is (wire.prefix == "anthropic")


@pytest.mark.parametrize("stop", ["length", "filtered"])
@both_ways
async def test_why_an_answer_stopped_is_told(
    model: LanguageModel, server: ContractServer, stop: Any, stream: bool
) -> None:
    server.script = [Answer("It is", stop=stop)]
    reply = await answered(model, asking(), stream)
    assert (reply.stop, reply.text) == (stop, "It is")


@pytest.mark.parametrize(("kind", "error"), FAULTS, ids=[kind for kind, _ in FAULTS])
@both_ways
async def test_an_error_of_the_provider_is_named_and_asked_for_once(
    model: LanguageModel,
    server: ContractServer,
    kind: str,
    error: type[errors.ModelError],
    stream: bool,
) -> None:
    server.script = [Fault(kind)]
    with pytest.raises(errors.ModelError) as caught:
        await answered(model, asking(), stream)
    assert type(caught.value) is error
    assert caught.value.retry_after_s is None
    assert server.wire.fault(kind)[1]["error"]["message"] in str(caught.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0", 0.0), ("99999999", 86_400.0), ("soon", None)]
)
@both_ways
async def test_retry_after_is_carried_out_and_not_waited_for(
    model: LanguageModel,
    server: ContractServer,
    header: str,
    seconds: float | None,
    stream: bool,
) -> None:
    server.script = [Fault("rate_limit", retry_after=header)]
    with pytest.raises(errors.ModelRateLimitError) as caught:
        await answered(model, asking(), stream)
    assert caught.value.retry_after_s == seconds
    assert len(server.asked) == 1


async def test_an_overloaded_provider_may_say_when_to_come_back(
    model: LanguageModel, server: ContractServer
) -> None:
    server.script = [Fault("overloaded", retry_after="12")]
    with pytest.raises(errors.ProviderOverloadedError) as caught:
        await model.ask(asking())
    assert caught.value.retry_after_s == 12.0


async def test_an_error_in_the_middle_of_a_stream_is_the_same_error(
    model: LanguageModel, server: ContractServer
) -> None:
    server.script = [Fault("overloaded", in_stream=True)]
    said: list[Chunk] = []
    with pytest.raises(errors.ProviderOverloadedError):
        await read_on(model, asking(), said)
    assert said
    assert not any(isinstance(chunk, Reply) for chunk in said)


@both_ways
async def test_silence_ends_with_the_time_limit(
    model: LanguageModel, server: ContractServer, stream: bool
) -> None:
    server.script = [Silence()]
    with pytest.raises(errors.ProviderTimeoutError):
        await answered(model, asking(timeout_s=0.2), stream)
    await asyncio.wait_for(server.gone.wait(), 10)
    assert len(server.asked) == 1


@pytest.mark.parametrize("cut", ["hard", "politely"])
async def test_a_stream_that_is_cut_off_is_never_taken_for_an_answer(
    model: LanguageModel, server: ContractServer, cut: Any, wire: Wire
) -> None:
    server.script = [Answer("These are more words than will come.", cut=cut)]
    said: list[Chunk] = []
    with pytest.raises(errors.AnswerCutError) as caught:
        await read_on(model, asking(), said)
    assert all(isinstance(chunk, TextChunk) for chunk in said)
    assert said
    if wire.prefix != "openai":  # it counts at the end of a stream only
        assert caught.value.usage is not None
        assert caught.value.usage.input == 100


BAD_ANSWERS: list[Turn] = [
    Raw(200, b"<html>Welcome to the wireless network</html>", {"content-type": "text/html"}),
    Raw(200, b'{"id": "1", '),
    Raw(200, b'{"hello": "world"}'),
    Raw(200, b"[]"),
    Answer(calls=(replace(ADD, broken=True),), stop="tools"),
]


@pytest.mark.parametrize("turn", BAD_ANSWERS, ids=["html", "half", "other", "list", "arguments"])
async def test_what_is_no_answer_is_a_bad_answer(
    model: LanguageModel, server: ContractServer, turn: Turn
) -> None:
    server.script = [turn]
    with pytest.raises(errors.BadAnswerError):
        await model.ask(asking(tools=[SUM]))
    assert len(server.asked) == 1


async def test_broken_arguments_in_a_stream_are_a_bad_answer(
    model: LanguageModel, server: ContractServer
) -> None:
    server.script = [Answer("See:", calls=(replace(ADD, broken=True),), stop="tools")]
    with pytest.raises(errors.BadAnswerError):
        await streamed(model, asking(tools=[SUM]))


async def test_a_provider_that_cannot_be_reached_is_unavailable(
    models: Models, server: ContractServer, wire: Wire
) -> None:
    await server.__aexit__(None, None, None)
    with pytest.raises(errors.ProviderUnavailableError):
        await models.find(f"{wire.prefix}:{wire.model}").ask(asking())


async def test_the_key_does_not_go_along_with_a_redirect(
    model: LanguageModel, server: ContractServer
) -> None:
    async with ContractServer(server.wire) as elsewhere:
        server.script = [Raw(307, b"", {"location": elsewhere.base_url + "/anything"})]
        with pytest.raises(errors.BadAnswerError):
            await model.ask(asking())
        assert (elsewhere.asked, elsewhere.faults) == ([], [])


async def test_an_error_does_not_show_the_key(model: LanguageModel, server: ContractServer) -> None:
    body = json.dumps({"error": {"message": f"no such key {KEY}", "type": "x", "code": 401}})
    server.script = [Raw(401, body.encode())]
    with pytest.raises(errors.AuthenticationFailedError) as caught:
        await model.ask(asking())
    shown = f"{caught.value!r} {caught.value.one_line()} {model!r}"
    assert KEY not in shown
    assert "no such key [redacted]" in shown


async def test_whoever_leaves_a_stream_cuts_the_answer_off(
    model: LanguageModel, server: ContractServer
) -> None:
    server.script = [Silence()]
    async with model.stream(asking()) as chunks:
        async for chunk in chunks:
            assert isinstance(chunk, TextChunk)
            break
    await asyncio.wait_for(server.gone.wait(), 10)


@both_ways
async def test_a_call_can_be_cancelled(
    model: LanguageModel, server: ContractServer, stream: bool
) -> None:
    server.script = [Silence()]
    waiting = asyncio.gather(answered(model, asking(), stream))
    while not server.asked:
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(server.gone.wait(), 10)


async def test_what_the_reader_of_a_stream_raises_is_not_an_error_of_the_model(
    model: LanguageModel, server: ContractServer
) -> None:
    server.script = [Answer("Some words that nobody reads to the end.")]

    async def stumble() -> None:
        async with model.stream(asking()) as chunks:
            async for _ in chunks:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await stumble()


async def test_many_calls_at_once_share_a_model(
    model: LanguageModel, server: ContractServer
) -> None:
    server.script = [Answer(f"answer {number}") for number in range(12)]
    replies = await asyncio.gather(*(model.ask(asking()) for _ in range(12)))
    assert {reply.text for reply in replies} == {f"answer {number}" for number in range(12)}
    assert len(server.asked) == 12
