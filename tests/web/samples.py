"""Agents that ask the outside world, importable so that child processes find them."""

from __future__ import annotations

from typing import Any

from oppspot_runner import Context, SourceError, agent


async def asking(ctx: Context) -> dict[str, Any]:
    """Asks for a company, and for one that the source does not understand."""
    answer = await ctx.http.get("companies_house", "/company/1", fresh_for=None)
    code = None
    try:
        await ctx.http.get("companies_house", "/company/bad")
    except SourceError as error:
        code = [error.code, error.source, error.status]
    return {
        "name": answer.json()["name"],
        "code": code,
        "requests": dict(ctx.http.requests),
        "configured": [ctx.http.configured(name) for name in ("companies_house", "reddit")],
    }


def asking_in_thread(ctx: Any) -> dict[str, Any]:
    """As `asking`, without an event loop."""
    answer = ctx.http.get("companies_house", "/company/1")
    code = None
    try:
        ctx.http.get("companies_house", "/company/bad")
    except SourceError as error:
        code = [error.code, error.source, error.status]
    return {
        "name": answer.json()["name"],
        "code": code,
        "requests": dict(ctx.http.requests),
        "configured": [ctx.http.configured(name) for name in ("companies_house", "reddit")],
    }


@agent("asker", max_retries=0)
async def asker(ctx: Context) -> dict[str, Any]:
    """Asks for what its payload says, and lets every error through."""
    asked = ctx.payload
    answer = await ctx.http.get(asked["source"], asked["path"])
    ctx.log.info("answered", url=answer.url, headers=dict(answer.headers))
    return {"url": answer.url, "headers": dict(answer.headers), "text": answer.text}
