"""The agents that the runner is measured with: `--import benchmarks.agents`."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from oppspot_runner import Context, agent

HOLD_S = 600.0
BRIEF_S = 0.02


@agent("benchmark_noop")
async def noop(ctx: Context) -> dict[str, Any]:
    """Does nothing."""
    return {}


@agent("benchmark_brief")
async def brief(ctx: Context) -> dict[str, Any]:
    """Waits as for the answer of a fast service."""
    await asyncio.sleep(BRIEF_S)
    return {}


@agent("benchmark_mark")
async def mark(ctx: Context) -> dict[str, Any]:
    """Says when it was started: seconds since 1970."""
    return {"at": time.time()}


@agent("benchmark_hold")
async def hold(ctx: Context) -> dict[str, Any]:
    """Holds its slot, but not when it is run again after its runner was lost."""
    if ctx.attempt == 1:
        await asyncio.sleep(HOLD_S)
    return {}
