"""An agent that tells somebody eight things, for runners that get killed."""

from __future__ import annotations

from typing import Any

from oppspot_runner import Context, agent

CALLS = 8


@agent("telling")
async def telling(ctx: Context) -> dict[str, Any]:
    """Posts one thing after the other."""
    for n in range(CALLS):
        told = {"method": "POST", "url": ctx.payload["url"], "data": f"number {n}"}
        await ctx.tools.result("http_request", told)
    return {"told": CALLS}
