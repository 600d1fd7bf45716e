"""Waiting for the end of an execution, without a connection between the looks."""

from __future__ import annotations

import re
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from oppspot_runner.api.access import actor_of
from oppspot_runner.api.afterwards import pause
from oppspot_runner.api.bodies.executions import Execution
from oppspot_runner.api.errors import ApiCode, body_of
from oppspot_runner.api.state import ApiState, state_of
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.app.looks import Looks
from oppspot_runner.base.actor import Actor
from oppspot_runner.base.codes import Code
from oppspot_runner.db.acting import acting
from oppspot_runner.db.files import statement
from oppspot_runner.queue.client import TaskState

RESULT = statement("executions/result")

MOST_WAIT_S = 30.0
WAIT = "wait"
CODED = re.compile(r"([A-Z_]+): ")
REPLAYED = "idempotency-replayed"


async def wait_for_end(request: Request, response: Response) -> Response:
    """The answer of an execution when it has ended, or as it stands when the time is over."""
    state, actor = state_of(request), await actor_of(request)
    begun = Execution.model_validate_json(bytes(response.body))
    looks = Looks(float(request.query_params.get(WAIT, MOST_WAIT_S)))
    while True:
        task, used = await _look(state, actor, begun)
        pause_s = looks.pause_s()
        if task.ended or pause_s is None or state.closing.is_set():
            break
        await pause(state, pause_s)
    answer = _answer(begun, task, used)
    if REPLAYED in response.headers:
        answer.headers[REPLAYED] = response.headers[REPLAYED]
    return answer


async def _look(
    state: ApiState, actor: Actor, begun: Execution
) -> tuple[TaskState, dict[str, Any]]:
    async with acting(state.database, actor, read_only=True) as database:
        task = await AsyncClient(database.bound).get(begun.task_id)
        used = await database.fetch_one(RESULT, {"task_id": task.id}) if task.ended else None
    return task, used or {}


def _answer(begun: Execution, task: TaskState, used: dict[str, Any]) -> JSONResponse:
    if task.status == "failed":
        said = task.error_message or "it failed"
        return failure(f"the task {task.id} failed", said, used["tool"], ApiCode.TASK_FAILED)
    if task.status == "cancelled":
        why = task.cancel_reason or "no reason was given"
        told = f"the task {task.id} was cancelled: {why}"
        return JSONResponse(body_of(ApiCode.TASK_CANCELLED.name, told), 409)
    output = task.output or {}
    known = {"state": task.status, "output": task.output}
    if task.ended:
        known |= {"tokens_used": used["tokens"], "cost_usd": used["cost_usd"]}
        known |= {name: output[name] for name in OF_OUTPUT if name in output}
    shown = Execution.model_validate({**begun.model_dump(), **known})
    return JSONResponse(shown.model_dump(mode="json"), 200 if task.ended else 202)


OF_OUTPUT = ("tokens_used", "cost_usd", "state")


def failure(what: str, said: str, tool: str | None, otherwise: ApiCode) -> JSONResponse:
    """The answer for an agent that failed, with the code that its error begins with, if it does."""
    found = CODED.match(said)
    code = found[1] if found and found[1] in Code.__members__ else otherwise.name
    told = f"{what}: {said.removeprefix(f'{code}: ')}"
    return JSONResponse(body_of(code, told, tool), otherwise.status)
