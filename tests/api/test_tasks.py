"""Tasks by HTTP."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx2

from oppspot_runner.db.pool import Database


async def failed_task(db: Database) -> UUID:
    row = await db.fetch_one(
        "INSERT INTO agent_tasks (task_type, status, finished_at) "
        "VALUES ('agent_execution', 'failed', now()) RETURNING id"
    )
    assert row is not None
    task_id: UUID = row["id"]
    return task_id


async def test_a_failed_task_is_put_in_line_again_and_recorded(
    api: httpx2.AsyncClient, db: Database
) -> None:
    task = await failed_task(db)
    answer = await api.post(f"/api/v1/tasks/{task}/retry")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"id": str(task), "status": "pending", "changed": True}
    recorded = await db.fetch_one("SELECT actor, action, target, before, after FROM audit_log")
    assert recorded is not None
    assert (recorded["actor"], recorded["action"]) == ("local", "task.retry")
    assert (recorded["before"]["status"], recorded["after"]["status"]) == ("failed", "pending")


async def test_a_request_with_a_key_is_not_done_twice(
    api: httpx2.AsyncClient, db: Database
) -> None:
    task = await failed_task(db)
    asked = {"url": f"/api/v1/tasks/{task}/retry", "headers": {"Idempotency-Key": "a"}}
    first, second = await api.post(**asked), await api.post(**asked)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(await db.fetch_all("SELECT FROM audit_log")) == 1


async def test_an_unknown_task_is_told_in_the_one_shape(api: httpx2.AsyncClient) -> None:
    answer = await api.get(f"/api/v1/tasks/{uuid4()}")
    assert answer.status_code == 404
    body = answer.json()
    assert set(body) == {"success", "error", "tool_name", "code", "timestamp"}
    assert (body["success"], body["code"]) == (False, "NOT_FOUND")
