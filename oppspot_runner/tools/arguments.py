"""Checks the arguments of a call, which a model or a stranger wrote, before a tool sees them."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ValidationError

from oppspot_runner.base.tool_errors import ToolArgumentsError

MOST_BYTES = 2 * 1024 * 1024  # of all arguments of one call, as JSON
MOST_DEPTH = 32
MOST_FAULTS = 3
LINES = {"\t", "\n", "\r"}  # of the control characters, those that text is made of


def checked_arguments(
    tool_name: str, arguments: Any, model: type[BaseModel] | None
) -> dict[str, Any] | BaseModel:
    """`arguments` as the tool's model, or as a dict where it has none.

    Raises ToolArgumentsError, which names the field that is wrong and never shows its value.
    """
    if not isinstance(arguments, dict):
        raise ToolArgumentsError(tool_name, "they are no JSON object")
    _refuse_unfit(tool_name, arguments)
    if model is None:
        return arguments
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)[:MOST_FAULTS]
        ]
        raise ToolArgumentsError(tool_name, "; ".join(faults)) from None


def _refuse_unfit(tool_name: str, arguments: dict[str, Any]) -> None:
    """Raises for what has no JSON form, is too large or too deep, or hides characters."""
    _walk(tool_name, arguments, MOST_DEPTH)
    try:
        size = len(json.dumps(arguments, allow_nan=False).encode())
    except (TypeError, ValueError):
        raise ToolArgumentsError(tool_name, "they cannot be written as JSON") from None
    if size > MOST_BYTES:
        raise ToolArgumentsError(tool_name, f"they are larger than {MOST_BYTES} bytes")


def _walk(tool_name: str, value: Any, depth: int) -> None:
    if depth == 0:
        raise ToolArgumentsError(tool_name, f"they are nested deeper than {MOST_DEPTH} levels")
    if isinstance(value, str) and not _is_plain(value):
        raise ToolArgumentsError(tool_name, "there are control characters in them")
    if isinstance(value, dict):
        for key, item in value.items():
            _walk(tool_name, key, depth - 1)
            _walk(tool_name, item, depth - 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _walk(tool_name, item, depth - 1)


def _is_plain(text: str) -> bool:
    if text.isprintable():
        return True
    return not any(
        (character < " " and character not in LINES)
        or character == "\x7f"
        or "\ud800" <= character <= "\udfff"
        for character in text
    )
