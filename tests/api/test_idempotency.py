"""A request with an Idempotency-Key is done once, however often it comes."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse, StreamingResponse

from oppspot_runner.api.access import needs
from oppspot_runner.api.application import build_application
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.state import ApiState
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken

TASKS = "/api/v1/tasks"
WAITERS = """
    SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE a.datname = current_database() AND NOT l.granted
"""


async def tasks(db: Database) -> int:
    return len(await db.fetch_all("SELECT FROM agent_tasks"))


@pytest.fixture
async def agent(db: Database) -> UUID:
    return await AsyncClient(db).create_agent(name="Digest", agent_type="writer_agent")


async def test_a_request_that_is_repeated_gets_the_answer_of_the_first(
    api: httpx2.AsyncClient, db: Database, agent: UUID, token: MakeToken
) -> None:
    async def post(key: str, path: str = "", **more: Any) -> httpx2.Response:
        headers = {"Idempotency-Key": key, **more.pop("headers", {})}
        body = more.pop("body", {"agent": "Digest"})
        return await api.post(TASKS + path, json=body, headers=headers)

    first, second = await post("a"), await post("a")
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert await tasks(db) == 1

    for other in (
        {"path": "?x=1"},
        {"body": {"agent": "Digest", "priority": 1}},
        {"path": "/many"},
    ):
        refused = await post("a", **other)
        assert (refused.status_code, refused.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    somebody_else = await post("a", headers=await token("admin"))
    assert somebody_else.status_code == 201
    assert await tasks(db) == 2

    for key in ("", "x" * 201, "a\tb"):
        assert (await post(key)).status_code == 422, key
    many = {"tasks": [{"agent": "Digest"}] * 2}
    ids = [(await post("m", "/many", body=many)).json()["ids"] for _ in range(2)]
    assert ids[0] == ids[1]
    bulk = {"action": "cancel", "filter": {}}
    done = [(await post("b", "/bulk", body=bulk)).json()["changed"] for _ in range(2)]
    assert done == [4, 4]
    assert len(await db.fetch_all("SELECT FROM audit_log WHERE action = 'task.cancel_many'")) == 1


async def test_an_answer_that_is_an_error_is_not_kept(
    api: httpx2.AsyncClient, db: Database
) -> None:
    asked: dict[str, Any] = {"json": {"agent": "Digest"}, "headers": {"Idempotency-Key": "a"}}
    assert (await api.post(TASKS, **asked)).status_code == 404
    await AsyncClient(db).create_agent(name="Digest", agent_type="writer_agent")
    assert (await api.post(TASKS, **asked)).status_code == 201


async def test_requests_with_one_key_at_once_are_one(
    api: httpx2.AsyncClient, db: Database, dsn: str, agent: UUID
) -> None:
    task = await AsyncClient(db).enqueue(agent)
    asked = {"url": f"{TASKS}/{task}/cancel", "headers": {"Idempotency-Key": "a"}}
    async with (
        await psycopg.AsyncConnection.connect(dsn) as holder,
        asyncio.timeout(20),
        asyncio.TaskGroup() as group,
    ):
        await holder.execute("SELECT FROM agent_tasks WHERE id = %s FOR UPDATE", (task,))
        sent = [group.create_task(api.post(**asked)) for _ in range(3)]
        while (await db.fetch_one(WAITERS) or {})["count"] < len(sent):
            await asyncio.sleep(0.01)
        await holder.rollback()
    answers = [one.result() for one in sent]
    assert [one.json()["changed"] for one in answers] == [True] * 3
    assert sum("Idempotency-Replayed" in one.headers for one in answers) == 2
    assert len(await db.fetch_all("SELECT FROM audit_log")) == 1


async def test_what_cannot_be_kept_is_refused_and_undone(state: ApiState, db: Database) -> None:
    router = APIRouter(route_class=ChangingRoute)

    @router.post("/{kind}", dependencies=[Depends(needs("run"))])
    async def made(kind: str, change: TheChange) -> Any:
        await change.record("x", "x", uuid4())
        answers = {"text": PlainTextResponse("x"), "stream": StreamingResponse(iter([b"x"]))}
        return answers[kind]

    app = build_application(state)
    app.router.routes[:] = []
    app.include_router(router)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as api:
        for kind in ("text", "stream"):
            answer = await api.post(f"/{kind}", headers={"Idempotency-Key": "a"})
            assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT"), kind
    assert await db.fetch_all("SELECT FROM audit_log") == []
