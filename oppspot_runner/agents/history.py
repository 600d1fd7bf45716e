"""What a model gets to see of a conversation: the newest of it, as far as there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.llm.messages import Message, ToolResult, UserMessage, from_json
from oppspot_runner.llm.tokens import as_text, message_tokens

MOST_RESULT = 40_000  # characters of one result of a tool


def shown(earlier: Sequence[Message], turn: Sequence[Message], most_tokens: int) -> list[Message]:
    """The newest turns of `earlier` that leave `turn` room in `most_tokens`, and all of `turn`.

    It is cut where the user speaks, so that calls and results of tools stay together. Tokens are
    counted by the rule of llm/tokens.py. Results that are very long are shown in part.
    """
    newest = [_bounded(one) for one in turn]
    room = most_tokens - sum(map(message_tokens, newest))
    kept: list[Message] = []
    for before in reversed(_turns(earlier)):
        bounded = [_bounded(one) for one in before]
        room -= sum(map(message_tokens, bounded))
        if room < 0:
            break
        kept = bounded + kept
    return kept + newest


def read_history(kept: Any) -> list[Message]:
    """The messages of a `conversation_history`. Raises InvalidInputError for anything else."""
    try:
        return from_json(kept)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise InvalidInputError(
            f"the history cannot be read: message {place} is none",
            hint="Give the conversation_history of an earlier execution.",
        ) from None


def without_history(output: Any) -> Any:
    """What an agent found: of one with a model the answer, not the conversation that led to it."""
    if isinstance(output, dict) and "conversation_history" in output:
        return output.get("output", output.get("response"))
    return output


def _turns(messages: Sequence[Message]) -> list[list[Message]]:
    """Each begins with what the user says; what stands before the first one is left out."""
    turns: list[list[Message]] = []
    for one in messages:
        if isinstance(one, UserMessage):
            turns.append([one])
        elif turns:
            turns[-1].append(one)
    return turns


def _bounded(message: Message) -> Message:
    if not isinstance(message, ToolResult):
        return message
    text = as_text(message.content)
    if len(text) <= MOST_RESULT:
        return message
    cut = f"{text[:MOST_RESULT]}\n[cut here: {len(text):,} characters in all]"
    return replace(message, content=cut)
