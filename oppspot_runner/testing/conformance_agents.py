"""Bodies for the conformance suite of backends, where each place can import them.

Workers outside of the runner load this module as they load other agents."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from pydantic import BaseModel

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.function import agent
from oppspot_runner.base.errors import Retry

LONG_S = 60.0
HUGE = 3_000_000  # characters


class StubbornError(Exception):
    """Cannot be made again by pickle: its arguments are not those of its class."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


@agent("conformance_ending", max_retries=0)
async def ending(ctx: Context) -> Any:
    """Ends as the payload says."""
    match ctx.payload["how"]:
        case "error":
            raise ValueError("odd")
        case "retry":
            raise Retry("later", after=0.5)
        case "stubborn":
            raise StubbornError("no", " way")
        case "no JSON":
            return {"lock": threading.Lock(), "set": {1}}
        case "huge":
            return {"text": "x" * HUGE}
    return {"text": "ä\n", "number": 1.5, "none": None, "list": [True, {"deep": 2**53}]}


class Typed(BaseModel):
    """An input that the payload has to fit."""

    days: int


@agent("conformance_typed", max_retries=3)
async def typed(ctx: Context, input: Typed) -> dict[str, Any]:
    """Gets its input as an object of that class."""
    return {"twice": 2 * input.days}


@agent("conformance_telling", max_retries=0)
async def telling(ctx: Context) -> dict[str, Any]:
    """Uses what a body has besides its input."""
    await ctx.progress(1, 2, "half")
    ctx.log.info("said by the body")
    return {"step": await ctx.step("name", lambda: ctx.payload["name"])}


@agent("conformance_waiting", max_retries=0, time_limit=LONG_S)
async def waiting(ctx: Context) -> dict[str, Any]:
    """Says that it began; its first attempt then waits for `s` seconds."""
    await ctx.progress(1, 2, "began")
    if ctx.attempt == 1:
        await asyncio.sleep(ctx.payload.get("s", LONG_S))
    return {"name": ctx.payload.get("name")}
