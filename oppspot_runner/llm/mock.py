"""Models that need no key and no network, and always answer the same: mock:echo and mock:script.

`mock:echo` answers with the last message of the user. `mock:script` answers with the turn of its
script whose number is the number of answers in the history, so an attempt that goes on after a
crash goes on in its script as well. Tokens are counted by the rule of tokens.py.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.validation import first_fault
from oppspot_runner.llm import errors
from oppspot_runner.llm.messages import (
    AssistantMessage,
    Chunk,
    JsonObject,
    ModelRequest,
    Reply,
    TextChunk,
    ToolCall,
    ToolCallChunk,
    ToolResult,
    Usage,
    UserMessage,
)
from oppspot_runner.llm.tokens import as_text, call_tokens, request_tokens, text_tokens

WORD = re.compile(r"\s*\S+\s*|\s+")
PLACEHOLDER = re.compile(r"\{(input|result)((?:\.\w+)*)\}")
FAULTS: dict[str, type[errors.ModelError]] = {
    kind.kind.name: kind
    for kind in (
        errors.ModelRateLimitError,
        errors.ProviderOverloadedError,
        errors.ProviderUnavailableError,
        errors.ProviderTimeoutError,
        errors.BadAnswerError,
        errors.ContextLengthExceededError,
    )
}


class ScriptedCall(BaseModel):
    """A call of a tool in a script."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    arguments: JsonObject = {}


class Turn(BaseModel):
    """One answer of a script: words, calls of tools, or both; or an error by its code.

    In `text`, and in texts among the arguments of calls, {input} stands for the last message of the
    user and {result} for the last result of a tool; {result.companies.0.name} for a part of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = ""
    calls: tuple[ScriptedCall, ...] = ()
    error: (
        Literal[
            "RATE_LIMIT_EXCEEDED",
            "PROVIDER_OVERLOADED",
            "PROVIDER_UNAVAILABLE",
            "PROVIDER_TIMEOUT",
            "BAD_ANSWER",
            "CONTEXT_LENGTH_EXCEEDED",
        ]
        | None
    ) = None
    retry_after_s: float | None = Field(default=None, ge=0)


class MockProvider:
    """Answers as the models `echo` and `script` do. Raises ConfigurationError for a bad script."""

    def __init__(self, script: Sequence[Any] = ()) -> None:
        try:
            self.script = [Turn.model_validate(turn) for turn in script]
        except ValidationError as error:
            raise ConfigurationError(f"a turn of the script: {first_fault(error)}") from None

    async def ask(self, model: str, request: ModelRequest) -> Reply:
        """The answer of `echo` or `script`."""
        if model == "echo":
            return _reply(model, request, _last_words(request), ())
        if model != "script":
            raise errors.UnknownModelError(
                f"no model is called mock:{model}", hint="There are mock:echo and mock:script."
            )
        number = sum(isinstance(message, AssistantMessage) for message in request.messages)
        if number >= len(self.script):
            raise errors.RequestRefusedError(
                f"the script has {len(self.script)} turns, and this is turn {number + 1}",
                hint="Give mock:script a turn for every answer.",
            )
        return _played(self.script[number], number, request)

    @asynccontextmanager
    async def stream(
        self, model: str, request: ModelRequest
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The same answer, word by word."""
        yield _pieces(await self.ask(model, request))

    async def close(self) -> None:
        """There is nothing to give back."""


def _played(turn: Turn, number: int, request: ModelRequest) -> Reply:
    if turn.error is not None:
        raise FAULTS[turn.error](
            f"turn {number + 1} of the script says so", retry_after_s=turn.retry_after_s
        )
    results = [one.content for one in request.messages if isinstance(one, ToolResult)]
    known = {"input": _last_words(request), "result": results[-1] if results else ""}
    calls = tuple(
        ToolCall(f"call_{number + 1}_{place}", call.name, _filled(call.arguments, known))
        for place, call in enumerate(turn.calls, 1)
    )
    return _reply("script", request, _filled(turn.text, known), calls)


def _filled(value: Any, known: Mapping[str, Any]) -> Any:
    """`value` with what is known in the place of the placeholders in its texts."""
    match value:
        case str():
            return PLACEHOLDER.sub(lambda found: as_text(_part(known[found[1]], found[2])), value)
        case dict():
            return {key: _filled(one, known) for key, one in value.items()}
        case list():
            return [_filled(one, known) for one in value]
        case _:
            return value


def _part(value: Any, path: str) -> Any:
    """The part of a JSON value at `.key.0.key`; empty where there is none."""
    for step in path.split(".")[1:]:
        if isinstance(value, dict):
            value = value.get(step, "")
        elif isinstance(value, list):
            value = value[int(step)] if step.isdecimal() and int(step) < len(value) else ""
        else:
            return ""
    return value


def _reply(model: str, request: ModelRequest, text: str, calls: tuple[ToolCall, ...]) -> Reply:
    used = text_tokens(text) + sum(call_tokens(call) for call in calls)
    usage = Usage(input=request_tokens(request), output=used)
    stop: Literal["tools", "end"] = "tools" if calls else "end"
    return Reply(AssistantMessage(text, calls), stop, usage, model)


async def _pieces(reply: Reply) -> AsyncIterator[Chunk]:
    for word in WORD.findall(reply.text):
        yield TextChunk(word)
    for call in reply.calls:
        yield ToolCallChunk(call.id, call.name)
        yield ToolCallChunk(call.id, call.name, as_text(call.arguments))
    yield reply


def _last_words(request: ModelRequest) -> str:
    said = [one.text for one in request.messages if isinstance(one, UserMessage)]
    return said[-1] if said else ""
