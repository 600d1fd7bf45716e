"""Runners: whether they live, what they do, and what they may not take."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from oppspot_runner.api.access import Reader, needs
from oppspot_runner.api.changes import runners as changes
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.reads.status import with_status
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import state_of
from oppspot_runner.queue import control

ASKED: dict[changes.Verb, str] = {
    "pause": "Runner {} was asked to pause: what it runs goes on to its end.",
    "resume": "Runner {} was asked to go on.",
    "stop": "Runner {} was asked to stop: it ends what it runs first.",
}

router = Routes(
    prefix="/runners",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    route_class=PageRoute,
)


@router.get("")
async def runners(request: Request, actor: Reader) -> HTMLResponse:
    """All live runners, and dead ones that still hold tasks."""
    async with with_status(state_of(request), actor) as (_, status):
        return page(request, "runners", status=status)


@router.post("/pauses/end", dependencies=[Depends(needs("admin"))])
async def end_pause(
    request: Request,
    change: TheChange,
    scope: Annotated[control.Scope, Form()],
    key: Annotated[str, Form()],
) -> Response:
    """Lets runners take again what was paused."""
    ended = await changes.end_pause(change, scope, key)
    return await back(request, "The pause has ended." if ended else "It was not paused any more.")


@router.post("/{runner_id}/{verb}", dependencies=[Depends(needs("admin"))])
async def ask(request: Request, change: TheChange, runner_id: int, verb: changes.Verb) -> Response:
    """Asks a runner for something."""
    await changes.ask(change, runner_id, verb)
    return await back(request, ASKED[verb].format(runner_id))
