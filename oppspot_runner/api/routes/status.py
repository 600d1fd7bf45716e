"""How things stand, among the versioned addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from oppspot_runner.api.access import needs
from oppspot_runner.api.bodies.task_runner import RunnerStatus
from oppspot_runner.api.routes import task_runner
from oppspot_runner.api.routing import Routes
from oppspot_runner.base.actor import Actor

router = Routes(prefix="/api/v1/status", tags=["status"])


@router.get("", response_model=RunnerStatus)
async def show(request: Request, actor: Annotated[Actor, Depends(needs("read"))]) -> Response:
    """Runners, counts and recent tasks, as `oppspot-runner status --json` says it."""
    return await task_runner.show(request, actor)
