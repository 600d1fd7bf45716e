"""One task: what it is, what became of each attempt, and what may be done with it."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.changes import bulk
from oppspot_runner.api.changes import tasks as changes
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard import copying
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.reads.task import story_of
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import state_of
from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.redact import REDACTED, redact
from oppspot_runner.base.wording import retried
from oppspot_runner.db.acting import BoundDatabase

router = Routes(
    prefix="/tasks/{task_id}",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    route_class=PageRoute,
)


@router.get("", dependencies=[Depends(needs("read"))])
@router.get("/replay", dependencies=[Depends(needs("read"))])
async def task(request: Request, task_id: UUID, database: Reading) -> HTMLResponse:
    """All of a task; also where a payload that was refused was shown, when that is loaded again."""
    return await _shown(request, task_id, database)


async def _shown(
    request: Request,
    task_id: UUID,
    database: BoundDatabase,
    edited: str | None = None,
    fault: str | None = None,
) -> HTMLResponse:
    fair = state_of(request).settings.fair_share
    story = await story_of(database, task_id, fair=fair)
    shown = story.whole.task
    return page(
        request,
        "task",
        200 if fault is None else 422,
        task=shown,
        whole=story.whole,
        story=story,
        payload=_editable(shown.payload) if edited is None else edited,
        fault=fault,
        command=copying.as_command(shown),
        curl=copying.as_request(shown, str(request.base_url)),
        row=copying.as_row(shown),
        cost=sum(call["cost_usd"] or 0 for call in story.calls),
    )


def _editable(payload: dict[str, Any]) -> str:
    return json.dumps(redact(payload), indent=2, ensure_ascii=False)


def payload_of(text: str) -> dict[str, Any]:
    """The payload that somebody wrote. Raises InvalidInputError for what is no JSON object."""
    try:
        payload = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"the payload is no JSON: {error}") from None
    if not isinstance(payload, dict):
        raise InvalidInputError("the payload is no JSON object", hint='As {"days": 7}.')
    return payload


@router.post("/retry", dependencies=[Depends(needs("run"))])
async def retry(request: Request, task_id: UUID, change: TheChange) -> Response:
    """Puts it in line again, or ends its back-off."""
    before, after, changed = await changes.retry(change, task_id)
    done = f"It was {retried(before.backs_off)}."
    return await back(request, done if changed else f"It is {after.status}: nothing to do.")


@router.post("/cancel", dependencies=[Depends(needs("run"))])
async def cancel(request: Request, task_id: UUID, change: TheChange) -> Response:
    """Cancels it, or asks its runner to end it."""
    state, changed = await changes.cancel(change, task_id)
    if not changed:
        text = f"It is {state.status}: nothing to do."
    elif state.status == "processing":
        text = "Its runner was asked to end it."
    else:
        text = "It was cancelled."
    return await back(request, text)


@router.post("/discard", dependencies=[Depends(needs("run"))])
async def discard(request: Request, task_id: UUID, change: TheChange) -> Response:
    """Lets a failed task go."""
    done = await bulk.do(change, "discard", [task_id])
    return await back(request, "It was discarded." if done.ids else "It has not failed any more.")


@router.post("/replay", dependencies=[Depends(needs("run"))])
async def replay(
    request: Request,
    task_id: UUID,
    change: TheChange,
    payload: Annotated[str, Form()] = "{}",
    from_step: Annotated[str, Form()] = "",
) -> Response:
    """Does it again as a new task, perhaps with another payload; one that is refused stays."""
    old = await change.client.get(task_id)
    try:
        new = _edited(old.payload, payload)
    except InvalidInputError as error:
        return await _shown(request, task_id, change.database, payload, error.one_line())
    made, kept = await changes.replay(change, task_id, from_step or None, new)
    steps = f" It begins with {kept} finished steps." if kept else ""
    return await back(request, f"This task does it again.{steps}", to=f"tasks/{made}")


def _edited(old: dict[str, Any], text: str) -> dict[str, Any] | None:
    new = payload_of(text)
    if new == redact(old):
        return None
    if REDACTED in text:
        raise InvalidInputError(
            f"the payload still holds {REDACTED} in place of a secret",
            hint="Write the secret again, or leave the payload as it is.",
        )
    return new
