"""The agents that the runner is measured with: `--import benchmarks.agents`."""

from __future__ import annotations

import time
from typing import Any

from oppspot_runner import Context, agent


@agent("benchmark_noop")
async def noop(ctx: Context) -> dict[str, Any]:
    """Does nothing."""
    return {}


@agent("benchmark_mark")
async def mark(ctx: Context) -> dict[str, Any]:
    """Says when it was started: seconds since 1970."""
    return {"at": time.time()}
