"""The task runner: all runners of the installation as one."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse

from oppspot_runner.api.access import needs
from oppspot_runner.api.afterwards import pause, then
from oppspot_runner.api.bodies.task_runner import (
    AllRunners,
    ControlRunners,
    RunnerControlled,
    RunnerStatus,
)
from oppspot_runner.api.changes import task_runner as changes
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.reads.status import with_status
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import state_of
from oppspot_runner.app.looks import Looks
from oppspot_runner.app.status import Fleet, read_fleet
from oppspot_runner.base.actor import Actor

MOST_OBEYING_S = 5.0
OBEYED = {"run": {"running"}, "idle": {"stopped", "stopping"}}


async def until_obeyed(request: Request, response: Response) -> Response:
    """The answer when the runners do what they were asked, or as they stand a while later."""
    state, looks = state_of(request), Looks(MOST_OBEYING_S)
    while True:
        fleet = await read_fleet(state.database, state.settings)
        pause_s = looks.pause_s()
        if _have_obeyed(fleet) or pause_s is None or state.closing.is_set():
            break
        await pause(state, pause_s)
    return JSONResponse(_controlled(fleet).model_dump(mode="json"))


router = Routes(tags=["runner"], route_class=then(until_obeyed))


@router.get("/api/agents/task-runner", response_model=RunnerStatus)
async def show(request: Request, actor: Annotated[Actor, Depends(needs("read"))]) -> Response:
    """How things stand, as `oppspot-runner status --json` says it.

    It may be a second old, where it takes long to find out up to ten, but never older than a change
    that was asked of this process.
    """
    state = state_of(request)

    async def find_out() -> str:
        async with with_status(state, actor) as (_, status):
            return RunnerStatus.model_validate(status.body()).model_dump_json()

    told = await state.statuses.of(actor.org_id, find_out)
    return Response(told, media_type="application/json")


@router.post("/api/agents/task-runner", dependencies=[Depends(needs("admin"))])
async def control(body: ControlRunners, change: TheChange, request: Request) -> RunnerControlled:
    """`stop`: the runners end what they do and wait. `start`: they claim again.

    It is for operators.
    """
    await changes.control(change, body.action)
    return _controlled(await read_fleet(change.database, state_of(request).settings))


def _controlled(fleet: Fleet) -> RunnerControlled:
    return RunnerControlled(runner=AllRunners.model_validate(fleet.as_one()))


def _have_obeyed(fleet: Fleet) -> bool:
    alive = [row for row in fleet.runners if row["alive"]]
    return all(row["state"] in OBEYED.get(row["desired"], {row["state"]}) for row in alive)
