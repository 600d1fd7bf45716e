"""The words between us and a model: messages, tools, what is asked and what is replied.

All of them are plain data. Messages have a JSON form, in which a history can be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, TypeAdapter

JsonObject: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class ToolSpec:
    """A tool that the model may call; `schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: JsonObject


@dataclass(frozen=True)
class ToolCall:
    """The model wants this tool to be called; the result has to carry the same `id`."""

    id: str
    name: str
    arguments: JsonObject


@dataclass(frozen=True)
class UserMessage:
    """What the user, or the task, says."""

    text: str
    role: Literal["user"] = "user"


@dataclass(frozen=True)
class AssistantMessage:
    """What the model said.

    `kept` is what its provider wants to see again with it, such as signatures of its thoughts.
    Other providers are not shown it.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    kept: JsonObject | None = None
    role: Literal["assistant"] = "assistant"


@dataclass(frozen=True)
class ToolResult:
    """What a tool answered, any JSON value; `failed` when that is an error."""

    call_id: str
    name: str
    content: Any
    failed: bool = False
    role: Literal["tool"] = "tool"


Message: TypeAlias = UserMessage | AssistantMessage | ToolResult


@dataclass(frozen=True)
class Usage:
    """Tokens of one call or of several.

    `input` is all that went in: `cached` (read from the provider's cache) and `cache_written` are
    parts of it. `output` is all that came out: `reasoning` is a part of it.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """Tokens in and out."""
        return self.input + self.output

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            self.cache_written + other.cache_written,
            self.reasoning + other.reasoning,
        )


StopReason: TypeAlias = Literal["end", "tools", "length", "filtered"]
"""Why the model stopped: it was done, it waits for results of tools, `max_tokens` were reached, or
the provider held the rest back."""


@dataclass(frozen=True)
class ModelRequest:
    """What a model is asked. `timeout_s` is for the whole answer, until its last word.

    With `output_schema`, a JSON Schema, an answer without calls of tools is JSON that fits it.
    `cache_prompt` asks the provider to keep what the next call begins with, where it can. With
    `cached_for_s` an agent of a runner also takes the answer that its organisation was given to
    the same question no more than so many seconds ago, and pays nothing.
    """

    messages: Sequence[Message]
    instructions: str = ""
    tools: Sequence[ToolSpec] = ()
    output_schema: JsonObject | None = None
    temperature: float | None = None
    max_tokens: int = 1000
    timeout_s: float = 600.0
    cache_prompt: bool = False
    cached_for_s: float | None = None


@dataclass(frozen=True)
class Reply:
    """What a model answered.

    `output` is the parsed JSON where a schema was given. `cost` in USD is None when the price list
    of that version does not know the model.
    """

    message: AssistantMessage
    stop: StopReason
    usage: Usage
    model: str
    output: Any = None
    cost: Decimal | None = None
    price_list: str = ""

    @property
    def text(self) -> str:
        """The words of the answer."""
        return self.message.text

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tools that the model wants to be called."""
        return self.message.calls


@dataclass(frozen=True)
class TextChunk:
    """The next few words of an answer that streams."""

    text: str


@dataclass(frozen=True)
class ToolCallChunk:
    """A call of a tool begins, or goes on with the next piece of its arguments as JSON."""

    id: str
    name: str
    arguments: str = field(default="")


Chunk: TypeAlias = TextChunk | ToolCallChunk | Reply
"""What a stream gives; exactly one Reply, the whole answer, comes last."""


def to_json(messages: Sequence[Message]) -> list[JsonObject]:
    """A history as JSON values."""
    kept: list[JsonObject] = _history().dump_python(list(messages), mode="json")
    return kept


def from_json(kept: Any) -> list[Message]:
    """A history from what `to_json` made. Raises pydantic.ValidationError for anything else."""
    return _history().validate_python(kept)


@cache
def _history() -> TypeAdapter[list[Message]]:
    return TypeAdapter(list[Annotated[Message, Field(discriminator="role")]])
