"""What conversations are measured with: `--import benchmarks.thinking`."""

from __future__ import annotations

import asyncio
import time
from statistics import quantiles
from typing import Any

from oppspot_runner import Context, agent, tool

EVERY_S = 0.005
SCRIPT = [
    {"calls": [{"name": "calculator", "arguments": {"operation": "add", "a": 15, "b": 27}}]},
    {"calls": [{"name": "benchmark_pause", "arguments": {}}]},
    {"text": "It is {result}, as was to be expected by anybody who can add."},
]


class Waiting:
    """How many conversations are in their pause now, and the most that ever were."""

    now = 0
    most = 0
    over: asyncio.Event | None = None


@tool("benchmark_pause", time_limit_s=600)
async def pause() -> str:
    """Lasts until as many conversations as there are have come this far."""
    if Waiting.over is None:
        Waiting.over = asyncio.Event()
    Waiting.now += 1
    Waiting.most = max(Waiting.most, Waiting.now)
    await Waiting.over.wait()
    Waiting.now -= 1
    return "42"


@agent("benchmark_lag")
async def lag(ctx: Context) -> dict[str, Any]:
    """How late the event loop is, until some time after all conversations have met."""
    Waiting.over, Waiting.most = asyncio.Event(), 0
    late: list[float] = []
    until = float("inf")
    while time.monotonic() < until:
        due = time.monotonic() + EVERY_S
        await asyncio.sleep(EVERY_S)
        late.append(time.monotonic() - due)
        if Waiting.now == ctx.payload["conversations"] and not Waiting.over.is_set():
            Waiting.over.set()
            until = time.monotonic() + ctx.payload["after_s"]
    cuts = [1000 * cut for cut in quantiles(late, n=100, method="inclusive")]
    return {"p50_ms": cuts[49], "p99_ms": cuts[98], "most": Waiting.most}
