"""An agent of twelve calls to a model and eight to a tool, for runners that get killed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from oppspot_runner import Context, agent
from oppspot_runner.tools.function import tool

MODEL_CALLS, TOOL_CALLS = 12, 8


@tool("counted")
async def counted(n: int) -> str:
    """Writes down that it was called."""
    with Path(os.environ["PAID_LEDGER"]).open("a") as ledger:
        ledger.write(f"{n}\n")
    return f"counted {n}"


@agent("paying")
async def paying(ctx: Context) -> dict[str, Any]:
    """Asks, calls, asks, calls ... and says what it was answered."""
    said: list[Any] = []
    for n in range(MODEL_CALLS):
        reply = await ctx.llm.ask(f"question {n}")
        said.append(reply.text)
        if n < TOOL_CALLS:
            answer = await ctx.tools.call("counted", {"n": n})
            said.append(answer["result"])
    return {"said": said}
