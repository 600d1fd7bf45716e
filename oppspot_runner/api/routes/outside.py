"""The outside world as agents meet it: sources that they ask, and tools that they may be given."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import Depends, Request
from pydantic import BaseModel

from oppspot_runner.api.access import Reader, Reading, needs
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import state_of
from oppspot_runner.app.sources import read_sources
from oppspot_runner.app.tools import known_tools

router = Routes(prefix="/api/v1", tags=["outside"])


class SourceBreaker(BaseModel):
    """A host that is left alone after failures in a row."""

    host: str
    state: str
    failures: int
    last_error: str | None
    opened_at: datetime
    next_try_at: datetime


class SourceBody(BaseModel):
    """A service that agents ask; `web` stands for all web sites. Lengths of time are seconds.

    `missing` are settings that it lacks; `limit_calls` are made in `limit_window_s` at most.
    """

    name: str
    missing: list[str]
    fault: str | None
    limit_calls: int | None
    limit_window_s: float | None
    calls: int
    held_s: float
    answers: int
    bytes: int
    breakers: list[SourceBreaker]


class Sources(BaseModel):
    """All sources."""

    items: list[SourceBody]


class ToolBody(BaseModel):
    """A tool. `repeatable`: to call it twice does what calling it once does."""

    name: str
    description: str
    repeatable: bool
    time_limit_s: float
    cached_for_s: float | None
    parameters: dict[str, Any]


class Tools(BaseModel):
    """All tools by name."""

    items: list[ToolBody]


@router.get("/sources", dependencies=[Depends(needs("read"))])
async def list_sources(database: Reading, actor: Reader, request: Request) -> Sources:
    """Sources: what they lack, how much of their limits is used, what is kept. For operators."""
    if not actor.is_operator:
        raise ApiError(ApiCode.FORBIDDEN, "sources are shared by all: only operators see them")
    found = await read_sources(database, state_of(request).settings)
    rows = [
        {
            **asdict(one),
            "limit_calls": one.limit and one.limit[0],
            "limit_window_s": one.limit and one.limit[1],
        }
        for one in found
    ]
    return Sources.model_validate({"items": rows})


@router.get("/tools", dependencies=[Depends(needs("read"))])
async def list_tools(request: Request) -> Tools:
    """Tools that agents may be given: built in, imported, installed. Servers are not asked."""
    rows = [
        {
            "name": one.name,
            "description": one.description,
            "repeatable": one.repeats({}) and one.repeatable,
            "time_limit_s": one.time_limit_s,
            "cached_for_s": one.cached_for_s,
            "parameters": one.schema(),
        }
        for one in known_tools(state_of(request).settings)
    ]
    return Tools.model_validate({"items": rows})
