"""How many tokens a text has, where nobody counts them: before a call, and in the mock models.

The rule: a token for every four characters that have begun. Texts count one by one, and so do the
name, description and schema (as JSON) of a tool, and name and arguments of a call.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from oppspot_runner.llm.messages import (
    AssistantMessage,
    Message,
    ModelRequest,
    ToolCall,
    ToolResult,
    UserMessage,
)

CHARACTERS_PER_TOKEN = 4


def text_tokens(text: str) -> int:
    """Tokens of one text, by the rule."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def request_tokens(request: ModelRequest) -> int:
    """Tokens of all that goes in with a request, by the rule."""
    schema = 0 if request.output_schema is None else json_tokens(request.output_schema)
    tools = sum(
        text_tokens(tool.name) + text_tokens(tool.description) + json_tokens(tool.schema)
        for tool in request.tools
    )
    messages = sum(message_tokens(message) for message in request.messages)
    return text_tokens(request.instructions) + schema + tools + messages


def most_tokens(request: ModelRequest) -> int:
    """Tokens that a request hardly exceeds: by the rule, and one for each byte more than letters.

    In texts that are not in English a letter takes several bytes, and up to a token each.
    """
    written = json.dumps(asdict(request), ensure_ascii=False, default=str)
    more = len(written.encode("utf-8", "replace")) - len(written)
    return request_tokens(request) + more


def message_tokens(message: Message) -> int:
    """Tokens of one message, by the rule."""
    match message:
        case UserMessage():
            return text_tokens(message.text)
        case AssistantMessage():
            return text_tokens(message.text) + sum(call_tokens(call) for call in message.calls)
        case ToolResult():
            return json_tokens(message.content)


def call_tokens(call: ToolCall) -> int:
    """Tokens of a call of a tool, by the rule."""
    return text_tokens(call.name) + json_tokens(call.arguments)


def json_tokens(value: Any) -> int:
    """Tokens of a JSON value, by the rule."""
    return text_tokens(as_text(value))


def as_text(value: Any) -> str:
    """A JSON value as a model reads it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
