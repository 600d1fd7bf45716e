"""A conversation with a model: ask it, call the tools that it wants, ask again, until it is done.

It knows no task, no provider and no sandbox: what asks the model and what calls a tool are given to
it. An AgentExecutor asks at once; an agent of the runner makes a step of each call, so that another
attempt has the same conversation again without a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from time import monotonic
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.agents.history import shown
from oppspot_runner.base.codes import Code
from oppspot_runner.base.redact import redact
from oppspot_runner.base.tool_errors import CodedError, ToolError, ToolNotFoundError
from oppspot_runner.base.waiting import Suspended
from oppspot_runner.llm.errors import OutputSchemaError
from oppspot_runner.llm.messages import (
    JsonObject,
    Message,
    ModelRequest,
    Reply,
    ToolCall,
    ToolResult,
    Usage,
    UserMessage,
    to_json,
)
from oppspot_runner.tools.outcome import failed

AskModel: TypeAlias = Callable[[ModelRequest], Awaitable[Reply]]
"""Raises what is to end the conversation; OutputSchemaError may be repaired."""
CallTool: TypeAlias = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Answers in the shape of tools/outcome.py; what it raises ends the conversation."""

STATES = {"end": "completed", "length": "truncated", "filtered": "filtered"}
REPAIR = (
    "That answer cannot be used: {fault}. Answer again, with nothing but JSON that fits the schema."
)


class ConversationLimitError(CodedError):
    """The conversation did not come to its end within its limits."""


class Limits(BaseModel):
    """How far a conversation may go.

    `repairs` is how often an answer that does not fit the output schema is given back to the model;
    `time_s` how long after its beginning a call may still begin; `context_tokens` what the model
    gets to see of the history at most. When there were too many calls of tools, the model is told;
    too many calls of the model, or too much time, end it with ConversationLimitError.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_calls: int = Field(20, ge=1, le=1_000)
    tool_calls: int = Field(50, ge=0, le=10_000)
    repairs: int = Field(2, ge=0, le=10)
    time_s: float | None = Field(None, gt=0)
    context_tokens: int = Field(100_000, ge=1)


@dataclass
class Conversation:
    """One turn of the user and all that comes of it.

    `request` is what every call has in common; its messages are what was said before. `messages`
    is what this turn adds to them, `tool_results` what tools answered, `usage` and `cost` (None
    where a price is unknown) what all answers took together.
    """

    ask: AskModel
    call: CallTool
    request: ModelRequest
    limits: Limits = field(default_factory=Limits)
    messages: list[Message] = field(default_factory=list)
    tool_results: list[JsonObject] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    cost: Decimal | None = Decimal(0)
    _asked: int = 0
    _repaired: int = 0
    _until: float = float("inf")

    async def run(self, text: str) -> Reply:
        """The answer to `text` at last. Raises ModelError, ConversationLimitError."""
        if self.limits.time_s is not None:
            self._until = monotonic() + self.limits.time_s
        self.messages.append(UserMessage(text))
        while True:
            reply = await self._answer()
            if reply is not None and not reply.calls:
                return reply
            if reply is not None:
                self.messages += await self._results(reply.calls)

    @property
    def can_repair(self) -> bool:
        """Whether it goes on after an answer that does not fit the output schema."""
        return self._repaired < self.limits.repairs

    def results(self, reply: Reply) -> JsonObject:
        """What has come of it, as JSON values."""
        results = {
            "response": reply.text,
            "tool_results": self.tool_results,
            "conversation_history": to_json([*self.request.messages, *self.messages]),
            "tokens_used": self.usage.total,
            "cost_usd": None if self.cost is None else float(self.cost),
            "state": STATES[reply.stop],
        }
        return (
            results if self.request.output_schema is None else {**results, "output": reply.output}
        )

    async def _answer(self) -> Reply | None:
        """What the model says next; None when it has to say it again."""
        self._check_limits()
        self._asked += 1
        seen = shown(self.request.messages, self.messages, self.limits.context_tokens)
        left_s = min(self.request.timeout_s, self._until - monotonic())
        try:
            reply = await self.ask(replace(self.request, messages=seen, timeout_s=left_s))
        except OutputSchemaError as error:
            self._repair(error)
            return None
        self._count(reply)
        if self.request.output_schema is not None and reply.stop not in ("end", "tools"):
            raise ConversationLimitError(
                Code.ANSWER_INCOMPLETE,
                f"the answer is no whole JSON, because it was {STATES[reply.stop]}",
                hint="Raise max_tokens." if reply.stop == "length" else None,
            )
        return reply

    def _repair(self, error: OutputSchemaError) -> None:
        if error.reply is None or not self.can_repair:
            raise error
        self._repaired += 1
        self._count(error.reply)
        self.messages.append(UserMessage(REPAIR.format(fault=str(error).rstrip("."))))

    def _count(self, reply: Reply) -> None:
        self.messages.append(reply.message)
        self.usage += reply.usage
        if self.cost is not None:
            self.cost = None if reply.cost is None else self.cost + reply.cost

    def _check_limits(self) -> None:
        if self._asked == self.limits.model_calls:
            raise ConversationLimitError(
                Code.TOO_MANY_MODEL_CALLS,
                f"the model was asked {self._asked} times and is not done",
                hint="Raise limits.model_calls, or ask for less.",
            )
        if monotonic() >= self._until:
            raise ConversationLimitError(
                Code.CONVERSATION_TIMEOUT,
                f"the conversation took longer than {self.limits.time_s:g} s",
                hint="Raise limits.time_s, or ask for less.",
            )

    async def _results(self, calls: Sequence[ToolCall]) -> list[ToolResult]:
        """What the tools answer, all at once. One that raises does not cut the others off."""
        room = self.limits.tool_calls - len(self.tool_results)
        answers = await asyncio.gather(
            *(self._called(call, place < room) for place, call in enumerate(calls)),
            return_exceptions=True,
        )
        outcomes = [one for one in answers if not isinstance(one, BaseException)]
        faults = [one for one in answers if isinstance(one, BaseException)]
        if faults:
            raise next((one for one in faults if not isinstance(one, Suspended)), faults[0])
        self.tool_results += [
            {**outcome, "arguments": redact(call.arguments)}
            for call, outcome in zip(calls, outcomes, strict=True)
        ]
        return [_result(*pair) for pair in zip(calls, outcomes, strict=True)]

    async def _called(self, call: ToolCall, has_room: bool) -> JsonObject:
        offered = [tool.name for tool in self.request.tools]
        if call.name not in offered:
            return failed(call.name, ToolNotFoundError(call.name, offered))
        if not has_room:
            return failed(call.name, _too_many(call.name, self.limits.tool_calls))
        outcome: JsonObject = redact(await self.call(call.name, call.arguments))
        return outcome


def _too_many(name: str, most: int) -> ToolError:
    return ToolError(
        name,
        Code.TOO_MANY_TOOL_CALLS,
        f"{most} calls of tools are all that this conversation has",
        hint="Answer with what is known.",
    )


def _result(call: ToolCall, outcome: JsonObject) -> ToolResult:
    """What the model reads: the bare result, or the whole shape of an error."""
    if outcome["success"]:
        return ToolResult(call.id, call.name, outcome["result"])
    return ToolResult(call.id, call.name, outcome, failed=True)
