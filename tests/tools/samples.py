"""Tools and agents of the tests, importable so that child processes find them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from oppspot_runner import Context, ToolBase, ToolCall, ToolNotFoundError, tool


@dataclass
class Post:
    """The other side of `deliver`: what it was sent, and how often it stays silent first."""

    received: list[tuple[str, str | None]] = field(default_factory=list)
    silent: int = 0


post = Post()


class SampleTool(ToolBase):
    """A tool by the name of its class."""

    def __init__(self) -> None:
        super().__init__(name="custom_tool", description="Custom tool description")

    def _execute_impl(self, arguments: dict[str, Any]) -> Any:
        return {"result": "success"}


@tool("upper", cached_for_s=60)
def upper(text: str) -> str:
    """Says it louder."""
    post.received.append((text, None))
    return text.upper()


@tool("deliver", repeatable=False, time_limit_s=30)
async def deliver(text: str, call: ToolCall) -> str:
    """Hands something to the post, which may take it and say nothing."""
    post.received.append((text, call.key))
    if len(post.received) <= post.silent:
        await asyncio.Event().wait()
    return f"delivered {text}"


async def forwarding(ctx: Context) -> dict[str, Any]:
    return await ctx.tools.call("run_agent", {"agent": "doubling", "payload": {"n": 21}})


def forwarding_in_thread(ctx: Any) -> dict[str, Any]:
    answer: dict[str, Any] = ctx.tools.call(
        "run_agent", {"agent": "doubling", "payload": {"n": 21}}
    )
    return answer


async def shouting(ctx: Context) -> dict[str, Any]:
    first = await ctx.tools.call("upper", {"text": "a"})
    (spec,) = await ctx.tools.specs()
    try:
        return {"said": await ctx.tools.result("nothing")}
    except ToolNotFoundError as error:
        return {"said": first["result"], "code": error.code, "tool": spec.name}


def shouting_in_thread(ctx: Any) -> dict[str, Any]:
    first = ctx.tools.call("upper", {"text": "a"})
    (spec,) = ctx.tools.specs()
    try:
        return {"said": ctx.tools.result("nothing")}
    except ToolNotFoundError as error:
        return {"said": first["result"], "code": error.code, "tool": spec.name}
