"""Limits and pauses: what holds tasks back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.changes import pauses as changes
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.routing import Routes
from oppspot_runner.limits.breakers import open_breakers
from oppspot_runner.limits.task_limits import list_limits
from oppspot_runner.queue.control import Scope, pauses

router = Routes(
    prefix="/limits",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
)


@router.get("", dependencies=[Depends(needs("read"))])
async def limits(request: Request, database: Reading) -> HTMLResponse:
    """Limits with what runs under each, pauses, and agents that are held back by errors."""
    return page(
        request,
        "limits",
        limits=await list_limits(database),
        pauses=await pauses(database),
        breakers=await open_breakers(database),
    )


@router.post("/resume", dependencies=[Depends(needs("admin"))])
async def resume(
    request: Request,
    change: TheChange,
    scope: Annotated[Scope, Form()],
    key: Annotated[str, Form(max_length=200)],
) -> Response:
    """Takes a pause away."""
    changed = await changes.resume(change, scope, key)
    return await back(request, "Resumed." if changed else "That was not paused.")
