"""What the agent execution system prints of HTTP: each request is sent, each answer compared."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx2
import pytest

from oppspot_runner.app.status import read_status
from oppspot_runner.base.settings import Settings
from tests.api.conftest import api, state
from tests.runner.conftest import Bench
from tests.seeds.printed import faults

__all__ = ["api", "state"]

EXECUTED = {
    "execution": {"id": "uuid", "status": "queued", "created_at": "2025-10-03T12:00:00Z"},
    "message": "Agent execution queued successfully",
}
STATUS: dict[str, Any] = {
    "success": True,
    "runner": {"status": "running", "polling_interval": 5000, "max_concurrent_tasks": 3},
    "stats": {"pending": 5, "processing": 2, "completed": 100, "failed": 3, "total": 110},
    "recent_tasks": [...],
}


async def hello(ctx: Any) -> dict[str, Any]:
    return {"config": ctx.execution_config, "force": ctx.force_execute}


async def stream_with(bench: Bench, agent: UUID, *, assigned: bool = True) -> UUID:
    row = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert row is not None
    if assigned:
        await bench.db.execute(
            "INSERT INTO stream_agent_assignments (stream_id, agent_id) VALUES (%s, %s)",
            (row["id"], agent),
        )
    stream_id: UUID = row["id"]
    return stream_id


async def test_the_printed_request_executes_an_agent_of_a_stream(
    api: httpx2.AsyncClient, bench: Bench
) -> None:
    agent = await bench.agent(hello)
    stream = await stream_with(bench, agent)
    answer = await api.post(
        f"/api/streams/{stream}/agents/{agent}/execute",
        json={"execution_config": {}, "force_execute": False},
    )
    assert answer.status_code == 200, answer.text
    assert faults(EXECUTED, answer.json()) == []
    assert answer.json()["message"] == EXECUTED["message"]
    promised = UUID(answer.json()["execution"]["id"])
    (queued,) = await bench.db.fetch_all("SELECT id, status, stream_id FROM agent_executions")
    assert queued == {"id": promised, "status": "queued", "stream_id": stream}
    (task,) = await bench.db.fetch_all("SELECT id FROM agent_tasks")
    async with bench.running():
        await bench.ended(task["id"])
    rows = await bench.attempts(task["id"])
    assert [(row["id"], row["status"], row["output_data"]) for row in rows] == [
        (promised, "completed", {"config": {}, "force": False})
    ]


async def test_force_and_config_reach_the_agent_and_strangers_are_refused(
    api: httpx2.AsyncClient, bench: Bench
) -> None:
    agent = await bench.agent(hello)
    await bench.db.execute("UPDATE ai_agents SET is_active = false WHERE id = %s", (agent,))
    stream = await stream_with(bench, agent)
    asked = {"execution_config": {"limit": 5}, "force_execute": True}
    await api.post(f"/api/streams/{stream}/agents/{agent}/execute", json=asked)
    (task,) = await bench.db.fetch_all("SELECT id FROM agent_tasks")
    async with bench.running():
        await bench.ended(task["id"])
    (attempt,) = await bench.attempts(task["id"])
    assert attempt["output_data"] == {"config": {"limit": 5}, "force": True}
    other = await stream_with(bench, agent, assigned=False)
    answer = await api.post(f"/api/streams/{other}/agents/{agent}/execute", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_the_status_has_the_printed_shape_and_that_of_the_command(
    api: httpx2.AsyncClient, bench: Bench
) -> None:
    task = await bench.task(await bench.agent(hello))
    async with bench.running():
        await bench.ended(task)
        answer = (await api.get("/api/agents/task-runner")).json()
        said = (await read_status(bench.db, Settings(_env_file=None))).body()
    assert faults(STATUS, answer) == []
    assert answer["runner"] == said["runner"]
    assert (answer["stats"], answer["stats"]["completed"]) == (said["stats"], 1)
    assert answer.keys() == said.keys()
    for part in ("runners", "recent_tasks"):
        assert [one.keys() for one in answer[part]] == [one.keys() for one in said[part]]
    assert answer["recent_tasks"][0]["id"] == str(task)


async def test_stop_makes_runners_wait_and_start_makes_them_claim_again(
    api: httpx2.AsyncClient, bench: Bench
) -> None:
    agent = await bench.agent(hello)

    async def registered() -> bool:
        return bool(await bench.db.fetch_all("SELECT FROM task_runners"))

    async with bench.running():
        await bench.until(registered)
        stopped = await api.post("/api/agents/task-runner", json={"action": "stop"})
        assert stopped.status_code == 200, stopped.text
        assert stopped.json()["runner"]["status"] == "stopped"
        task = await bench.task(agent)
        (row,) = await bench.db.fetch_all("SELECT state FROM task_runners")
        assert row["state"] == "stopped"  # and alive: it has its row
        started = await api.post("/api/agents/task-runner", json={"action": "start"})
        assert faults({"runner": STATUS["runner"]}, started.json()) == []
        assert started.json()["runner"]["status"] == "running"
        await bench.ended(task)
    recorded = await bench.db.fetch_all("SELECT action FROM audit_log ORDER BY id")
    assert [one["action"] for one in recorded] == ["runner.stop", "runner.start"]


@pytest.mark.parametrize("body", [{"action": "halt"}, {}, []])
async def test_another_action_is_refused(api: httpx2.AsyncClient, body: object) -> None:
    answer = await api.post("/api/agents/task-runner", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
