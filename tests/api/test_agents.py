"""Agents by HTTP: made, changed, listed, executed."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

import httpx2
import pytest

from oppspot_runner.agents.llm import llm
from oppspot_runner.agents.registry import Registry
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.errors import Fail
from oppspot_runner.db.pool import Database
from tests.runner.conftest import Bench, bench, registry

__all__ = ["bench", "registry"]


async def made(api: httpx2.AsyncClient, **fields: object) -> str:
    answer = await api.post("/api/v1/agents", json=fields)
    assert answer.status_code == 200, answer.text
    agent_id: str = answer.json()["id"]
    return agent_id


async def test_an_agent_is_made_shown_changed_and_deleted(
    api: httpx2.AsyncClient, db: Database
) -> None:
    fields = {"name": "Maths", "model": "mock:echo", "role": "expert", "tools": ["calculator"]}
    agent = await made(api, **fields, configuration={"limits": {"tool_calls": 3}})
    shown = (await api.get(f"/api/v1/agents/{agent}")).json()
    assert shown.pop("performance") is None
    assert (shown["agent_type"], shown["model"], shown["is_active"]) == ("llm", "mock:echo", True)
    assert shown["configuration"] == {
        "limits": {"tool_calls": 3},
        "model": "mock:echo",
        "role": "expert",
        "tools": ["calculator"],
    }
    changed = await api.patch(f"/api/v1/agents/{agent}", json={"role": None, "is_active": False})
    assert changed.json() == {
        **shown,
        "is_active": False,
        "configuration": {k: v for k, v in shown["configuration"].items() if k != "role"},
    }
    assert (await api.delete(f"/api/v1/agents/{agent}")).json() == {"id": agent, "deleted": True}
    assert (await api.get(f"/api/v1/agents/{agent}")).status_code == 404
    recorded = await db.fetch_all("SELECT action, before, after FROM audit_log ORDER BY id")
    assert [row["action"] for row in recorded] == ["agent.create", "agent.update", "agent.delete"]
    assert (recorded[1]["before"]["is_active"], recorded[1]["after"]["is_active"]) == (True, False)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"model": "mock:echo", "max_tokens": 0}, "max_tokens"),
        ({"model": "a", "configuration": {"model": "b"}}, "model"),
        ({"agent_type": "scout_agent", "schedule_cron": "every day"}, "every day"),
        ({"nmae": "Maths"}, "nmae"),
        ({"configuration": {"a": [{"token": "[redacted]"}]}}, "[redacted]"),
        ({"configuration": {"a": json.loads("[" * 900 + "]" * 900)}}, "more than 100 levels"),
        ({"configuration": {"api_key": "x"}, "agent_type": "scout_agent"}, "no place for a key"),
        ({"agent_type": "scout_agent", "name": "a\0b"}, "NUL"),
    ],
)
async def test_what_cannot_be_used_is_refused_and_named(
    api: httpx2.AsyncClient, db: Database, body: dict[str, object], names: str
) -> None:
    answer = await api.post("/api/v1/agents", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
    assert names in answer.json()["error"]
    assert await db.fetch_all("SELECT FROM ai_agents") == []


async def test_an_organisation_that_is_not_there_is_told(api: httpx2.AsyncClient) -> None:
    fields = {"agent_type": "scout_agent", "org_id": str(UUID(int=1))}
    answer = await api.post("/api/v1/agents", json=fields)
    assert 400 <= answer.status_code < 500, answer.text


async def test_pages_of_agents_miss_none_and_repeat_none(api: httpx2.AsyncClient) -> None:
    names = ["b", "a", "b", "d", "c"]
    for name in names:
        await made(api, name=name, agent_type="scout_agent")
    await made(api, name="x", model="mock:echo")
    seen, cursor = [], None
    while True:
        asked = {"agent_type": "scout_agent", "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await api.get("/api/v1/agents", params=asked)).json()
        seen += [one["name"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == sorted(names)


async def test_an_agent_with_tasks_is_not_deleted(api: httpx2.AsyncClient) -> None:
    agent = await made(api, model="mock:echo")
    await api.post(f"/api/v1/agents/{agent}/execute?wait=0", json={"input": "a"})
    answer = await api.delete(f"/api/v1/agents/{agent}")
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert "is_active" in answer.json()["error"]


async def test_an_execution_is_waited_for_and_a_repetition_waits_for_the_same_task(
    api: httpx2.AsyncClient, bench: Bench
) -> None:
    go_on = asyncio.Event()

    async def slow(ctx: object) -> dict[str, object]:
        await go_on.wait()
        return {"done": ctx.payload["days"]}  # type: ignore[attr-defined]

    agent = await bench.agent(slow)
    asked = {
        "json": {"input": {"days": 3}},
        "headers": {"Idempotency-Key": "a"},
    }
    async with bench.running():
        first = await api.post(f"/api/v1/agents/{agent}/execute?wait=0.1", **asked)
        assert first.status_code == 202
        begun = first.json()
        assert (begun["output"], begun["state"] in {"pending", "processing"}) == (None, True)
        second = await api.post(f"/api/v1/agents/{agent}/execute?wait=0.1", **asked)
        assert second.json()["task_id"] == begun["task_id"]
        go_on.set()
        await bench.ended(UUID(begun["task_id"]))
    third = await api.post(f"/api/v1/agents/{agent}/execute?wait=0.1", **asked)
    assert third.status_code == 200
    assert third.json() == {**begun, "output": {"done": 3}, "state": "completed"}
    assert len(await bench.db.fetch_all("SELECT FROM agent_tasks")) == 1


async def test_an_agent_is_shown_with_how_it_fared(api: httpx2.AsyncClient, bench: Bench) -> None:
    async def half(ctx: object) -> dict[str, object]:
        if ctx.payload["bad"]:  # type: ignore[attr-defined]
            raise Fail("bad")
        return {}

    agent = await bench.agent(half)
    async with bench.running():
        tasks = [await bench.task(agent, payload=f'{{"bad": {bad}}}') for bad in ("true", "false")]
        await bench.ended(*tasks)
    shown = (await api.get(f"/api/v1/agents/{agent}")).json()["performance"]
    counted = {name: shown[name] for name in ("tasks", "completed", "failed", "success_rate")}
    assert counted == {"tasks": 2, "completed": 1, "failed": 1, "success_rate": 0.5}
    assert (shown["p50_ms"] >= 0, shown["last_at"] is not None) == (True, True)
    (listed,) = (await api.get("/api/v1/agents")).json()["items"]
    assert listed["performance"] == shown


async def test_whoever_leaves_cancels_nothing_and_holds_no_connection(
    api: httpx2.AsyncClient, bench: Bench, db: Database
) -> None:
    agent = await made(api, model="mock:echo")
    bench.registry.register(llm)

    async def committed() -> bool:
        return bool(await db.fetch_all("SELECT FROM agent_tasks"))

    async with asyncio.TaskGroup() as group:
        asked = api.post(f"/api/v1/agents/{agent}/execute", json={"input": "hello"})
        waiting = group.create_task(asked)
        await bench.until(committed)
        waiting.cancel()
    assert waiting.cancelled()
    (task,) = await db.fetch_all("SELECT id FROM agent_tasks")
    async with bench.running():
        (ended,) = await bench.ended(task["id"])
    assert ended["status"] == "completed"


async def test_a_failed_execution_is_an_error_that_names_the_task(
    api: httpx2.AsyncClient, bench: Bench
) -> None:
    async def fails(ctx: object) -> None:
        raise Fail("there is no such company")

    agent = await bench.agent(fails)
    async with bench.running():
        answer = await api.post(f"/api/v1/agents/{agent}/execute", json={"input": "a"})
    body = answer.json()
    assert (answer.status_code, body["code"], body["tool_name"]) == (422, "TASK_FAILED", None)
    (task,) = await bench.db.fetch_all("SELECT id FROM agent_tasks")
    assert body["error"] == f"the task {task['id']} failed: there is no such company"


async def test_types_are_told_with_the_schema_of_their_payloads(
    api: httpx2.AsyncClient, state: ApiState
) -> None:
    state.registry = Registry()
    state.registry.register(llm)
    (shown,) = (await api.get("/api/v1/agent-types")).json()["items"]
    assert (shown["agent_type"], "conversation" in shown["description"]) == ("llm", True)
    assert "input" in shown["input_schema"]["properties"]
