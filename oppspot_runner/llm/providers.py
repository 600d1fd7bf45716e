"""Anthropic, OpenAI and Gemini by pydantic-ai: the one module that imports it.

It is loaded at the first call of a model. It turns our words into the library's and back, and the
library's errors into ours; the retries of the libraries below it are off.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, Literal, TypeVar

from httpx2 import AsyncClient
from pydantic_ai import exceptions as theirs
from pydantic_ai import messages as parts
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from oppspot_runner.llm import errors as ours
from oppspot_runner.llm.access import Access
from oppspot_runner.llm.messages import (
    AssistantMessage,
    Chunk,
    JsonObject,
    Message,
    ModelRequest,
    Reply,
    StopReason,
    TextChunk,
    ToolCall,
    ToolCallChunk,
    ToolResult,
    Usage,
)
from oppspot_runner.llm.port import Provider
from oppspot_runner.llm.provider_words import wait_of, words_of
from oppspot_runner.llm.transport import answers_closed, new_client

# The guide says that a temperature is left out where a model takes none: no warning for each call.
warnings.filterwarnings("ignore", "Sampling parameters", UserWarning)
MOST_MODELS = 100  # objects kept per connection; a model is a name, so people may invent many
T = TypeVar("T")
STOPS: dict[str | None, StopReason] = {
    "stop": "end",
    "tool_call": "tools",
    "length": "length",
    "content_filter": "filtered",
}
# The first that fits counts: special ones stand before what they are a kind of.
KINDS: tuple[tuple[type[Exception], type[ours.ModelError]], ...] = (
    (theirs.ModelContextWindowExceededError, ours.ContextLengthExceededError),
    (theirs.ModelAuthenticationError, ours.AuthenticationFailedError),
    (theirs.ModelNotFoundError, ours.UnknownModelError),
    (theirs.ModelRequestRejectedError, ours.RequestRefusedError),
    (theirs.ModelRateLimitError, ours.ModelRateLimitError),
    (theirs.ModelQuotaExceededError, ours.QuotaExceededError),
    (theirs.ModelOverloadedError, ours.ProviderOverloadedError),
    (theirs.ModelUnavailableError, ours.ProviderUnavailableError),
    (theirs.ModelServerError, ours.ProviderUnavailableError),
    (theirs.ModelTimeoutError, ours.ProviderTimeoutError),
    (theirs.ModelRequestTimeout, ours.ProviderTimeoutError),
    (theirs.ModelConnectionError, ours.ProviderUnavailableError),
    (theirs.ModelHTTPError, ours.ProviderUnavailableError),
    (theirs.ContentFilterError, ours.RequestRefusedError),
    (theirs.UserError, ours.RequestRefusedError),
    (Exception, ours.BadAnswerError),  # what a library raises when it cannot read an answer
)

# What breaks a stream off that had begun; all that has a name of its own is not one of them.
BREAKS = {theirs.ModelConnectionError, theirs.ModelAPIError}


def connect(access: Access) -> Provider:
    """The provider behind `access`. Raises ImportError where its library is not installed."""
    http = new_client()
    make = {"anthropic": _anthropic, "openai": _openai, "gemini": _gemini}[access.provider]
    return RemoteProvider(access, http, lru_cache(MOST_MODELS)(make(access, http)))


def _anthropic(access: Access, http: AsyncClient) -> Callable[[str], Model]:
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    provider = AnthropicProvider(anthropic_client=AsyncAnthropic(**_options(access, http)))
    return lambda name: AnthropicModel(name, provider=provider)


def _openai(access: Access, http: AsyncClient) -> Callable[[str], Model]:
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(openai_client=AsyncOpenAI(**_options(access, http)))
    # Without it a stream that a proxy cuts off would pass for a whole answer that cost nothing.
    profile = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)
    return lambda name: OpenAIChatModel(name, provider=provider, profile=profile)


def _gemini(access: Access, http: AsyncClient) -> Callable[[str], Model]:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    key = access.api_key.get_secret_value()
    provider = GoogleProvider(api_key=key, base_url=access.base_url, http_client=http)
    return lambda name: GoogleModel(name, provider=provider)


def _options(access: Access, http: AsyncClient) -> dict[str, Any]:
    client = {"http_client": http, "max_retries": 0, "timeout": None}
    return {"api_key": access.api_key.get_secret_value(), "base_url": access.base_url, **client}


@dataclass(frozen=True)
class RemoteProvider:
    """A provider on the network."""

    access: Access
    http: AsyncClient
    models: Callable[[str], Model]

    async def ask(self, model: str, request: ModelRequest) -> Reply:
        """The whole answer."""
        response = self._called(model_request, model, request)
        async with answers_closed():
            with self._told():
                return _reply(await response, unfinished=ours.BadAnswerError)

    @asynccontextmanager
    async def stream(
        self, model: str, request: ModelRequest
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The answer in pieces."""
        response = self._called(model_request_stream, model, request)
        async with answers_closed(), AsyncExitStack() as opened:
            with self._told():
                stream = await opened.enter_async_context(response)
            yield await opened.enter_async_context(aclosing(self._chunks(stream)))

    async def close(self) -> None:
        await self.http.aclose()

    def _called(self, call: Callable[..., T], model: str, request: ModelRequest) -> T:
        asked = self.models(model)
        return call(
            asked,
            _history(request, asked.system),
            model_settings=_settings(request),
            model_request_parameters=_parameters(request, asked),
        )

    async def _chunks(self, response: StreamedResponse) -> AsyncGenerator[Chunk, None]:
        calls: dict[int, tuple[str, str]] = {}
        with self._told(response):
            async for event in response:
                for chunk in _pieces(event, calls):
                    yield chunk
            yield _reply(response.get(), unfinished=ours.AnswerCutError)

    @contextmanager
    def _told(self, response: StreamedResponse | None = None) -> Iterator[None]:
        """Turns what the library raises into ModelError."""
        try:
            yield
        except ours.ModelError:
            raise
        except Exception as error:  # noqa: BLE001 - every fault of a library is one of the call
            # Their errors hold requests and answers: the key must not come along in a traceback.
            raise self._error(error, response) from None

    def _error(self, error: Exception, response: StreamedResponse | None) -> ours.ModelError:
        kind = next(mine for their, mine in KINDS if isinstance(error, their))
        usage = None if response is None else _usage(response.usage)
        if response is not None and type(error) in BREAKS:
            kind = ours.AnswerCutError
        return kind(
            f"{self.access.provider}: {words_of(error, self.access.api_key)}",
            retry_after_s=wait_of(error),
            usage=usage if usage and usage.total else None,
        )


def _history(request: ModelRequest, system: str) -> list[parts.ModelMessage]:
    """Our messages as theirs; what stands between two answers of the model is one request."""
    turns = groupby(request.messages, lambda one: isinstance(one, AssistantMessage))
    history: list[parts.ModelMessage] = []
    for from_model, messages in turns:
        if from_model:
            said = (one for one in messages if isinstance(one, AssistantMessage))
            history += [_response(one, system) for one in said]
        else:
            history.append(parts.ModelRequest([_part(one) for one in messages]))
    return history


def _part(message: Message) -> parts.ModelRequestPart:
    if not isinstance(message, ToolResult):
        return parts.UserPromptPart(message.text)
    outcome: Literal["failed", "success"] = "failed" if message.failed else "success"
    answer = (message.name, message.content, message.call_id)
    return parts.ToolReturnPart(*answer, outcome=outcome)


def _response(message: AssistantMessage, system: str) -> parts.ModelMessage:
    if message.kept and message.kept.get("provider_name") == system:
        return parts.ModelMessagesTypeAdapter.validate_python([message.kept])[0]
    said: list[parts.ModelResponsePart] = [parts.TextPart(message.text)] if message.text else []
    calls = [parts.ToolCallPart(one.name, one.arguments, one.id) for one in message.calls]
    return parts.ModelResponse([*said, *calls])


def _settings(request: ModelRequest) -> ModelSettings:
    settings = ModelSettings(max_tokens=request.max_tokens, request_timeout=request.timeout_s)
    if request.temperature is not None:
        settings["temperature"] = request.temperature
    if request.cache_prompt:
        settings["cache"] = True
    return settings


def _parameters(request: ModelRequest, model: Model) -> ModelRequestParameters:
    tools = [
        ToolDefinition(
            name=one.name, parameters_json_schema=one.schema, description=one.description
        )
        for one in request.tools
    ]
    instructions = [parts.InstructionPart(request.instructions)] if request.instructions else []
    plain = ModelRequestParameters(function_tools=tools, instruction_parts=instructions)
    if request.output_schema is None:
        return plain
    # Not every model of Gemini takes tools and a schema together; instructions they all follow.
    both = bool(tools) and model.system == "google"
    native = model.profile.get("supports_json_schema_output", False) and not both
    answer = OutputObjectDefinition(request.output_schema, name="answer")
    return replace(plain, output_mode="native" if native else "prompted", output_object=answer)


def _pieces(event: object, calls: dict[int, tuple[str, str]]) -> Iterator[Chunk]:
    """The chunks in an event of a stream; `calls` keeps id and name of each call that has begun."""
    match event:
        case parts.PartStartEvent(part=parts.TextPart(content=text)) if text:
            yield TextChunk(text)
        case parts.PartDeltaEvent(delta=parts.TextPartDelta(content_delta=text)) if text:
            yield TextChunk(text)
        case parts.PartStartEvent(index=index, part=parts.ToolCallPart() as call):
            calls[index] = (call.tool_call_id, call.tool_name)
            yield ToolCallChunk(*calls[index], call.args_as_json_str() if call.args else "")
        case parts.PartDeltaEvent(index=index, delta=parts.ToolCallPartDelta(args_delta=str(more))):
            yield ToolCallChunk(*calls[index], more)


def _reply(response: parts.ModelResponse, *, unfinished: type[ours.ModelError]) -> Reply:
    usage = _usage(response.usage)
    calls = tuple(_call(one, usage) for one in response.tool_calls)
    if response.finish_reason not in STOPS:
        said = response.finish_reason or "no"
        raise unfinished(f"the answer has {said} reason to end", usage=usage)
    stop: StopReason = "tools" if calls else STOPS[response.finish_reason]
    text = "".join(one.content for one in response.parts if isinstance(one, parts.TextPart))
    message = AssistantMessage(text, calls, _kept(response))
    return Reply(message, stop, usage, response.model_name or "")


def _call(part: parts.ToolCallPart, usage: Usage) -> ToolCall:
    try:
        arguments = part.args_as_dict(raise_if_invalid=True)
    except (ValueError, AssertionError):
        raise ours.BadAnswerError(
            f"the arguments of the call of {part.tool_name} are no JSON object", usage=usage
        ) from None
    return ToolCall(part.tool_call_id, part.tool_name, arguments)


def _kept(response: parts.ModelResponse) -> JsonObject | None:
    """The response as it was, where our words would lose something of it."""
    ordinary = (parts.TextPart, parts.ToolCallPart)
    if all(isinstance(one, ordinary) and not one.provider_details for one in response.parts):
        return None
    kept: list[JsonObject] = parts.ModelMessagesTypeAdapter.dump_python([response], mode="json")
    return kept[0]


def _usage(usage: RequestUsage) -> Usage:
    return Usage(
        input=usage.input_tokens,
        output=usage.output_tokens,
        cached=usage.cache_read_tokens,
        cache_written=usage.cache_write_tokens,
        reasoning=usage.output_reasoning_tokens,
    )
