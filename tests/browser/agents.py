"""Agents that the pages show: one is quick, one fails once, one does not end, one waits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from oppspot_runner import Context, Fail, agent


class DigestInput(BaseModel):
    days: int = 7


@agent("weekly_digest", max_retries=2)
async def weekly_digest(ctx: Context, input: DigestInput) -> dict[str, Any]:
    rows = await ctx.step("load", list, range(input.days))
    await ctx.progress(1, 2, "rows loaded")
    text = await ctx.step("write", str, f"A digest of {len(rows)} days")
    return {"days": len(rows), "digest": text}


@agent("crm_sync", max_retries=0)
async def crm_sync(ctx: Context) -> dict[str, Any]:
    if ctx.attempt == 1:
        raise Fail("crm.example refused contact 1041: its owner left the company")
    return {"synced": 12}


@agent("market_report")
async def market_report(ctx: Context) -> dict[str, Any]:
    await ctx.progress(3, 8, "regions compared")
    await asyncio.Event().wait()
    return {}


@agent("follow_up")
async def follow_up(ctx: Context) -> dict[str, Any]:
    await ctx.sleep_until(datetime.now(UTC) + timedelta(days=2))
    return {"asked": True}
