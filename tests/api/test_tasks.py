"""Tasks by HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx2

from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database

TASKS = "/api/v1/tasks"


async def ended(db: Database, *tasks: Any, status: str = "failed") -> None:
    await db.execute(
        "UPDATE agent_tasks SET status = %(status)s, finished_at = oppspot_now(), attempt = 1,"
        " error_message = 'it broke' WHERE id = ANY (%(ids)s)",
        {"status": status, "ids": [UUID(str(one)) for one in tasks]},
    )


async def good(answer: httpx2.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def new_agent(api: httpx2.AsyncClient) -> str:
    made = await good(await api.post("/api/v1/agents", json={"agent_type": "a", "name": "A"}))
    return str(made["id"])


async def actions(db: Database) -> list[str]:
    return [row["action"] for row in await db.fetch_all("SELECT action FROM audit_log ORDER BY id")]


async def test_a_task_from_its_enqueue_to_its_replay(api: httpx2.AsyncClient, db: Database) -> None:
    await AsyncClient(db).create_agent(name="Digest", agent_type="writer_agent")
    new = {"agent": "Digest", "payload": {"days": 7, "api_key": "k"}, "unique_key": "weekly"}
    made = await good(await api.post(TASKS, json=new), 201)
    again = await good(await api.post(TASKS, json=new), 201)
    assert again == {"id": made["id"], "outcome": "skipped"}
    assert made["outcome"] == "added"
    refused = await api.post(TASKS, json={**new, "on_conflict": "raise"})
    assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")

    task = f"{TASKS}/{made['id']}"
    shown = await good(await api.get(task))
    assert shown["task"]["payload"] == {"days": 7, "api_key": "[redacted]"}
    assert (shown["task"]["requested_by"], shown["attempts"]) == ("local", [])
    explained = await good(await api.get(f"{task}/explain"))
    assert [one["code"] for one in explained["reasons"]] == ["no_runner"]
    assert await good(await api.get(f"{task}/events")) == {"items": [], "next_cursor": None}

    assert (await api.post(f"{task}/replay")).status_code == 409  # it has not ended
    cancelled = await good(await api.post(f"{task}/cancel", json={"reason": "not now"}))
    assert (cancelled["status"], cancelled["changed"]) == ("cancelled", True)
    assert not (await good(await api.post(f"{task}/cancel")))["changed"]
    replayed = await good(await api.post(f"{task}/replay", json={"payload": {"days": 1}}), 201)
    assert (replayed["replay_of"], replayed["steps_kept"]) == (made["id"], 0)
    await ended(db, replayed["id"])
    retried = await good(await api.post(f"{TASKS}/{replayed['id']}/retry"))
    assert (retried["status"], retried["changed"]) == ("pending", True)
    whole = await good(await api.get(f"{TASKS}/{replayed['id']}"))
    assert whole["next_attempt_at"] == whole["task"]["scheduled_for"] is not None

    done = ["task.enqueue", "task.cancel", "task.replay", "task.retry"]
    assert await actions(db) == done


async def test_many_tasks_are_added_together_or_not_at_all(
    api: httpx2.AsyncClient, db: Database
) -> None:
    await AsyncClient(db).create_agent(name="Digest", agent_type="writer_agent")
    one = {"agent": "Digest", "priority": 9}
    wrong = [one, {"agent": "Digest", "stream_id": str(uuid4())}]
    answer = await api.post(f"{TASKS}/many", json={"tasks": wrong})
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert "tasks.1: " in answer.json()["error"]
    assert (await good(await api.get(TASKS)))["items"] == []

    keyed = [one, {**one, "unique_key": "a"}, {**one, "unique_key": "a"}]
    made = await good(await api.post(f"{TASKS}/many", json={"tasks": keyed}), 201)
    assert (made["added"], made["skipped"]) == (2, 1)
    assert made["ids"][1] == made["ids"][2]
    listed = await good(await api.get(TASKS, params={"limit": 1, "status": "pending"}))
    rest = await good(await api.get(TASKS, params={"cursor": listed["next_cursor"]}))
    assert {row["id"] for row in [*listed["items"], *rest["items"]]} == set(made["ids"])
    assert rest["next_cursor"] is None
    facets = await good(await api.get(f"{TASKS}/facets"))
    assert [(one["name"], one["tasks"]) for one in facets["agent"]] == [("Digest", 2)]
    assert await actions(db) == ["task.enqueue_many"]


async def test_what_is_done_to_many_says_what_was_changed_and_whether_there_is_more(
    api: httpx2.AsyncClient, db: Database
) -> None:
    client = AsyncClient(db)
    agent = await client.create_agent(name="Digest", agent_type="writer_agent")
    ids = sorted(map(str, await client.enqueue_many(agent, [{} for _ in range(5)])))
    await ended(db, *ids[:3])
    await ended(db, ids[3], status="completed")

    async def bulk(**asked: Any) -> Any:
        return await good(await api.post(f"{TASKS}/bulk", json=asked))

    planned = await bulk(action="retry", filter={}, dry_run=True)
    assert (planned["matched"], planned["changed"], planned["ids"]) == (3, 0, ids[:3])
    first = await bulk(action="retry", filter={"agent_id": str(agent)}, limit=2)
    assert (first["changed"], first["ids"]) == (2, ids[1:3])
    second = await bulk(action="retry", filter={}, cursor=first["next_cursor"])
    assert (second["ids"], second["next_cursor"]) == (ids[:1], None)
    assert (await bulk(action="discard", filter={"status": ["pending"]}))["matched"] == 0

    mixed = await bulk(action="cancel", ids=[ids[0], ids[3], str(uuid4())], reason="no more")
    assert mixed["ids"] == ids[:1]
    assert [one["error"] for one in mixed["refused"]] == [
        "it is completed",
        "there is no such task",
    ]
    await ended(db, ids[1])
    assert (await bulk(action="discard", ids=[ids[1]]))["changed"] == 1
    back = await bulk(action="retry", ids=[ids[1], ids[3]])  # discarded, and completed
    assert back["ids"] == [ids[1], ids[3]]
    assert (await api.post(f"{TASKS}/bulk", json={"action": "retry"})).status_code == 422
    recorded = await db.fetch_all("SELECT action, after FROM audit_log ORDER BY id")
    assert [row["action"] for row in recorded] == [
        *["task.retry_many"] * 2,
        "task.cancel_many",
        "task.discard_many",
        "task.retry_many",
    ]
    assert recorded[0]["after"] == {
        "changed": 2,
        "ids": ids[1:3],
        "filter": {"agent_id": str(agent)},
        "reason": None,
    }


async def test_what_is_unknown_or_broken_is_told_in_the_one_shape(api: httpx2.AsyncClient) -> None:
    answer = await api.get(f"{TASKS}/{uuid4()}")
    assert answer.status_code == 404
    body = answer.json()
    assert set(body) == {"success", "error", "tool_name", "code", "timestamp"}
    assert (body["success"], body["code"]) == (False, "NOT_FOUND")
    for query in ("cursor=x", "cursor=WyJ4Il0", "status=no", "text=%00", "limit=0", "nothing=1"):
        answer = await api.get(f"{TASKS}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT"), query
    for new in ({"agent": "no"}, {"agent": "\0"}, {"agent": "a", "payload": {"a": "\0"}}, []):
        assert (await api.post(TASKS, json=new)).status_code in (404, 422), new


async def test_a_body_that_is_no_json_is_told_why(api: httpx2.AsyncClient) -> None:
    async def told(content: bytes, kind: str = "application/json") -> tuple[int, str, str]:
        answer = await api.post(TASKS, content=content, headers={"Content-Type": kind})
        return answer.status_code, answer.json()["code"], answer.json()["error"]

    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        status, code, error = await told(b"{}", kind)
        assert (status, code) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert "Content-Type: application/json" in error
    assert (await told(b"{}", "Application/JSON; charset=utf-8"))[0] == 422
    for content, why in (
        (b'{"agent": "\xff"}', "utf-8"),
        (b'{"agent": "a", "priority": ' + b"9" * 10_000 + b"}", "digits"),
        (b"[" * 100_000, "recursion"),
    ):
        status, code, error = await told(content)
        assert (status, code) == (422, "INVALID_INPUT")
        assert why in error


async def test_a_payload_of_many_levels_is_shown_as_far_as_it_was_looked_through(
    api: httpx2.AsyncClient, db: Database
) -> None:
    agent = await new_agent(api)
    deep: object = {"password": "hunter2"}
    for _ in range(800):
        deep = {"a": deep}
    new = {"agent": agent, "payload": deep}
    task = (await api.post(TASKS, json=new)).json()["id"]
    answer = await api.get(f"{TASKS}/{task}")
    assert answer.status_code == 200
    assert "[redacted]" in answer.text
    assert "hunter2" not in answer.text


async def test_a_task_that_waits_for_its_next_attempt_takes_no_time(
    api: httpx2.AsyncClient, db: Database
) -> None:
    await api.post(TASKS, json={"agent": await new_agent(api)})
    await db.execute("UPDATE agent_tasks SET started_at = oppspot_now() - interval '1 minute'")
    assert (await api.get(TASKS)).json()["items"][0]["duration_ms"] is None
