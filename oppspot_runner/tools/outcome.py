"""What a call of a tool answers with: one shape for results, one for errors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from oppspot_runner.base.jsonsafe import clean
from oppspot_runner.base.tool_errors import CodedError


def succeeded(tool_name: str, result: Any) -> dict[str, Any]:
    """`{"success": true, "result", "tool_name", "timestamp"}`."""
    return {
        "success": True,
        "result": clean(result),
        "tool_name": tool_name,
        "timestamp": _now(),
    }


def failed(tool_name: str | None, error: CodedError) -> dict[str, Any]:
    """`{"success": false, "error", "tool_name", "code", "timestamp"}`."""
    return {
        "success": False,
        "error": error.one_line(),
        "tool_name": tool_name,
        "code": error.code,
        "timestamp": _now(),
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
