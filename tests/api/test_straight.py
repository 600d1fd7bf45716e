"""Routes that only read answer themselves, and as FastAPI would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute, request_response
from pydantic import BaseModel

from oppspot_runner.api.application import build_application
from oppspot_runner.api.bodies.tasks import TaskSummary
from oppspot_runner.api.state import ApiState
from oppspot_runner.api.straight import Straight, straight
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken

# What they are told by headers, or set the status of an answer by, FastAPI has to find out.
BY_FASTAPI = {"/readyz", "/api/v1/runs/{run_id}/events", "/api/v1/changes"}
PASSING = re.compile(r'"timestamp":"[^"]*"|[\d.:]+')


def _routes(state: ApiState) -> list[APIRoute]:
    app = build_application(state)
    return [route for route in app.known if route.methods == {"GET"}]


def test_all_that_only_read_do(state: ApiState) -> None:
    assert {one.path for one in _routes(state) if not isinstance(one.app, Straight)} == BY_FASTAPI


@pytest.mark.parametrize("nth", [pytest.param(1, marks=pytest.mark.slow, id="each"), 5])
async def test_they_answer_as_fastapi_would(
    db: Database, state: ApiState, token: MakeToken, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    routes = _routes(state)
    asked = [*_asked(routes[::nth], await _task(db))]
    assert len(asked) > 300 / nth
    readers = [{}, await token("metrics"), await token("read", UUID(int=1))]
    state.open_access = False
    before = await _answers(state, asked, readers)
    with monkeypatch.context() as patched:
        for route in routes:
            if isinstance(route.app, Straight):
                patched.setattr(route, "app", request_response(route.get_route_handler()))
        theirs = await _answers(state, asked, readers)
    after = await _answers(state, asked, readers)  # another minute may have begun meanwhile
    assert {one for one in theirs if theirs[one] not in (before[one], after[one])} == set()
    assert {answer[0] for answer in theirs.values()} >= {200, 401, 403, 404, 422}


async def _task(db: Database) -> dict[str, str]:
    """Ids of one agent and one task of it, by how paths name them."""
    await db.execute("INSERT INTO organizations (id, name) VALUES (%s, 'one')", (UUID(int=1),))
    agent = await db.fetch_one(
        "INSERT INTO ai_agents (name, agent_type, org_id) VALUES ('one', 'noop', %s) RETURNING id",
        (UUID(int=1),),
    )
    assert agent is not None
    task = await db.fetch_one(
        "INSERT INTO agent_tasks (agent_id) VALUES (%(id)s) RETURNING id", agent
    )
    assert task is not None
    return {"agent_id": str(agent["id"]), "task_id": str(task["id"])}


def _asked(routes: list[APIRoute], known: dict[str, str]) -> Iterator[str]:
    """Each address with ids that are there, that are not, and that are none; each with good and
    with bad values in its query."""
    for route in routes:
        if route.path in BY_FASTAPI:
            continue
        for other in (UUID(int=7), "x"):
            yield re.sub(r"\{\w+\}", str(other), route.path)
        path = re.sub(r"\{(\w+)\}", lambda m: known.get(m[1], str(UUID(int=7))), route.path)
        yield f"{path}?unknown=1"
        for param in route.dependant.query_params:
            yield from (f"{path}?{param.alias}={value}" for value in ("1", "%00"))


async def _answers(
    state: ApiState, asked: list[str], readers: list[dict[str, str]]
) -> dict[tuple[str, int], tuple[int, str, str]]:
    transport = httpx2.ASGITransport(app=build_application(state), raise_app_exceptions=False)
    answers = {}
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for path in asked:
            for place, reader in enumerate(readers):
                answer = await client.get(path, headers=reader)
                kind = answer.headers.get("content-type", "")
                body = PASSING.sub("", answer.text) if "json" in kind else ""
                answers[path, place] = answer.status_code, kind, body
    return answers


class Said(BaseModel):
    """An answer."""

    word: str = "one"


async def _says() -> Said:
    return Said()


def _says_at_once() -> Said:
    return Said()


def test_what_it_does_not_know_is_left_to_fastapi() -> None:
    router = APIRouter()
    router.get("/plain")(_says)
    router.get("/at-once")(_says_at_once)
    router.get("/short", response_model_exclude_defaults=True)(_says)
    router.get("/page", response_class=HTMLResponse)(_says)
    router.post("/changed")(_says)
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    assert [straight(route) is not None for route in routes] == [True, False, False, False, False]


async def test_a_page_of_tasks_is_what_its_model_says(
    api: httpx2.AsyncClient, db: Database
) -> None:
    """It is sent as it was read."""
    known = await _task(db)
    for query in ("", f"?agent_id={known['agent_id']}"):
        (item,) = (await api.get(f"/api/v1/tasks{query}")).json()["items"]
        assert list(item) == list(TaskSummary.model_fields)
        assert TaskSummary.model_validate(item).model_dump(mode="json") == item
