"""What operators do by HTTP: dead letters, runs, schedules, pauses, limits, runners."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx2
import pytest

from oppspot_runner.api.reads import dead_letters
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken

V1 = "/api/v1"
LETTERS = """
    INSERT INTO agent_tasks (agent_id, status, finished_at, error_message)
    SELECT %(agent)s, 'failed', oppspot_now(), CASE WHEN n %% 2 = 0 THEN 'no answer from host ' || n
                                                    ELSE 'password=hunter2 is wrong' END
    FROM generate_series(1, 5) n
"""
RUNNERS = """
    INSERT INTO task_runners
        (host, pid, version, slots, poll_s, lease_s, beat_s, lock_key, lease_until)
    SELECT 'h', n, '0', 3, 5, 30, 5, n, oppspot_now() + interval '1 h' FROM generate_series(1, 2) n
    RETURNING id
"""


async def good(answer: httpx2.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def recorded(db: Database) -> list[str]:
    rows = await db.fetch_all("SELECT action FROM audit_log ORDER BY id")
    return [row["action"] for row in rows]


async def test_dead_letters_by_what_went_wrong(
    api: httpx2.AsyncClient, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = await AsyncClient(db).create_agent(name="Digest", agent_type="writer_agent")
    await db.execute(LETTERS, {"agent": agent})
    listed = await good(await api.get(f"{V1}/dead-letters"))
    assert listed["complete"] is True
    groups = {one["tasks"]: one for one in listed["items"]}
    assert groups[3]["last_error"] == "password=[redacted] is wrong"
    group = groups[2]["fingerprint"]
    first = await good(await api.get(f"{V1}/dead-letters/{group}?limit=1"))
    cursor = {"cursor": first["next_cursor"]}
    second = await good(await api.get(f"{V1}/dead-letters/{group}", params=cursor))
    assert [len(first["items"]), len(second["items"]), second["next_cursor"]] == [1, 1, None]

    with monkeypatch.context() as patch:
        patch.setattr(dead_letters, "MOST_LOOKED_AT", 2)
        newest = await good(await api.get(f"{V1}/dead-letters"))
    assert (sum(one["tasks"] for one in newest["items"]), newest["complete"]) == (2, False)

    chosen = {"filter": {"fingerprint": group}}
    planned = await good(
        await api.post(f"{V1}/dead-letters/requeue", json={**chosen, "dry_run": True})
    )
    assert (planned["matched"], planned["changed"]) == (2, 0)
    done = await good(await api.post(f"{V1}/dead-letters/requeue", json=chosen))
    assert (done["changed"], done["next_cursor"]) == (2, None)
    ids = {"ids": [groups[3]["last_id"]], "reason": "known"}
    assert (await good(await api.post(f"{V1}/dead-letters/discard", json=ids)))["changed"] == 1
    assert (await good(await api.get(f"{V1}/dead-letters")))["items"][0]["tasks"] == 2
    assert await recorded(db) == ["task.retry_many", "task.discard_many"]


async def test_a_run_from_its_start_to_its_repetition(
    api: httpx2.AsyncClient, db: Database
) -> None:
    client = AsyncClient(db)
    root = await client.create_agent(name="Root", agent_type="writer_agent")
    await client.create_agent(name="Leaf", agent_type="writer_agent", parent=root)
    new = {"root": "Root", "payload": {"token": "t"}, "strategy": "level"}
    run = f"{V1}/runs/{(await good(await api.post(f'{V1}/runs', json=new), 201))['id']}"
    shown = await good(await api.get(run))
    assert [node["agent_name"] for node in shown["nodes"]] == ["Root", "Leaf"]
    assert (shown["run"]["strategy"], shown["run"]["nodes"], shown["results"]) == ("level", 2, {})
    assert (await good(await api.post(f"{run}/approve")))["approved"] == 0
    signal = await good(await api.post(f"{run}/signal", json={"name": "go"}), 201)
    assert signal["run_id"] == shown["run"]["id"]
    assert (await api.post(f"{run}/rerun")).status_code == 409  # it is on
    cancelled = await good(await api.post(f"{run}/cancel", json={"reason": "no"}))
    assert [task["status"] for task in cancelled["tasks"]] == ["pending"]
    again = await good(await api.post(f"{run}/rerun"), 201)
    listed = await good(await api.get(f"{V1}/runs?limit=1"))
    assert [one["id"] for one in listed["items"]] == [again["id"]]
    rest = await good(await api.get(f"{V1}/runs", params={"cursor": listed["next_cursor"]}))
    assert [one["id"] for one in rest["items"]] == [again["rerun_of"]]
    attempts = await good(await api.get(f"{V1}/executions", params={"agent_id": str(root)}))
    assert attempts == {"items": [], "next_cursor": None}
    expected = ["run.start", "run.signal", "run.cancel", "run.rerun"]
    assert await recorded(db) == expected


async def test_schedules_rest_and_go_on(api: httpx2.AsyncClient, db: Database) -> None:
    client = AsyncClient(db)
    for name in ("A", "B", "C"):
        await client.create_agent(name=name, agent_type="writer_agent", schedule_cron="0 9 * * *")
    first = await good(await api.get(f"{V1}/schedules?limit=2"))
    rest = await good(await api.get(f"{V1}/schedules", params={"cursor": first["next_cursor"]}))
    every = [*first["items"], *rest["items"]]
    assert sorted(one["name"] for one in every) == ["A", "B", "C"]
    one = f"{V1}/schedules/{every[0]['id']}"
    assert len((await good(await api.get(f"{one}/next?count=3")))["times"]) == 3
    assert (await good(await api.post(f"{one}/pause")))["state"] == "paused"
    assert (await good(await api.get(one)))["state"] == "paused"
    started = await good(await api.post(f"{one}/run-now"), 201)
    assert (await good(await api.get(f"{V1}/tasks/{started['task_id']}")))["task"]
    assert (await good(await api.post(f"{one}/resume")))["state"] == "active"
    assert await recorded(db) == ["schedule.pause", "schedule.run_now", "schedule.resume"]


async def test_pauses_limits_and_runners_are_for_operators(
    api: httpx2.AsyncClient, db: Database, token: MakeToken
) -> None:
    org = await db.fetch_one("INSERT INTO organizations (name) VALUES ('o') RETURNING id")
    assert org is not None
    member = await token("admin", org["id"])
    client = AsyncClient(db)
    agent = await client.create_agent(name="Own", agent_type="writer_agent", org_id=org["id"])
    (runner, _) = [row["id"] for row in await db.fetch_all(RUNNERS)]

    paused = await good(await api.post(f"{V1}/pauses", json={"scope": "type", "key": "a/b"}))
    assert paused == {"scope": "type", "key": "a/b", "known": False}
    assert (await api.post(f"{V1}/pauses", json={"scope": "org", "key": "x"})).status_code == 422
    new = {"scope": "agent", "key": "Own", "concurrency": 2}
    assert (await good(await api.post(f"{V1}/limits", json=new)))["key"] == str(agent)
    asked = await good(await api.post(f"{V1}/runners/{runner}/pause"))
    assert asked == {"id": runner, "desired": "pause"}
    page = await good(await api.get(f"{V1}/runners?limit=1"))
    assert (page["items"][0]["desired"], page["next_cursor"] is None) == ("pause", False)
    assert (await api.post(f"{V1}/runners/{runner + 9}/stop")).status_code == 404

    own = await good(await api.get(f"{V1}/limits", headers=member))
    assert [row["key"] for row in own["items"]] == [str(agent)]
    assert (await good(await api.get(f"{V1}/pauses", headers=member)))["items"] == []
    mine = {"scope": "agent", "key": "Own", "reason": "broken"}
    await good(await api.post(f"{V1}/pauses", json=mine, headers=member))
    for refused in (
        await api.post(f"{V1}/pauses", json={"scope": "type", "key": "x"}, headers=member),
        await api.delete(f"{V1}/pauses/type/a%2Fb", headers=member),
        await api.get(f"{V1}/runners", headers=member),
        await api.post(f"{V1}/runners/{runner}/stop", headers=member),
        await api.post(f"{V1}/limits", json=new, headers=await token("run", org["id"])),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    status = await good(await api.get(f"{V1}/status", headers=member))
    assert (status["runners"], status["hosts"]) == ([], [])

    for path in ("pauses/type/a/b", f"limits/agent/{agent}", "pauses/agent/Own"):
        assert (await good(await api.delete(f"{V1}/{path}")))["changed"] is True
        assert (await good(await api.delete(f"{V1}/{path}")))["changed"] is False
    assert (await good(await api.get(f"{V1}/pauses")))["items"] == []


async def test_a_member_sees_and_changes_only_what_is_of_his_organisation(
    api: httpx2.AsyncClient, db: Database, token: MakeToken
) -> None:
    org = await db.fetch_one("INSERT INTO organizations (name) VALUES ('o') RETURNING id")
    assert org is not None
    member = await token("run", org["id"])
    client = AsyncClient(db)
    await client.create_agent(name="Own", agent_type="writer_agent", org_id=org["id"])
    other = await client.create_agent(name="Other", agent_type="writer_agent")
    theirs = await client.enqueue(other, {"text": "of others"})
    made = await good(await api.post(f"{V1}/tasks", json={"agent": "Own"}, headers=member), 201)
    row = await db.fetch_one(
        "SELECT org_id, requested_by FROM agent_tasks WHERE id = %s", (UUID(made["id"]),)
    )
    assert row == {"org_id": org["id"], "requested_by": f"run of {org['id']}"}
    listed = await good(await api.get(f"{V1}/tasks", headers=member))
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    facets = await good(await api.get(f"{V1}/tasks/facets?text=others", headers=member))
    assert (facets["looked_at"], facets["agent"]) == (1, [])
    assert (await api.get(f"{V1}/tasks/{theirs}", headers=member)).status_code == 404
    assert (await api.post(f"{V1}/tasks/{theirs}/cancel", headers=member)).status_code == 404
    bulk = {"action": "cancel", "ids": [str(theirs), made["id"]]}
    done = await good(await api.post(f"{V1}/tasks/bulk", json=bulk, headers=member))
    assert done["ids"] == [made["id"]]
    for new in ({"agent": "Other"}, {"agent": "Own", "org_id": str(UUID(int=1))}):
        assert (await api.post(f"{V1}/tasks", json=new, headers=member)).status_code in (403, 404)
    explained = await good(await api.get(f"{V1}/tasks/{made['id']}/explain", headers=member))
    assert [one["code"] for one in explained["reasons"]] == ["cancelled"]
    again = await good(await api.post(f"{V1}/tasks/{made['id']}/retry", headers=member))
    assert again["status"] == "pending"
    explained = await good(await api.get(f"{V1}/tasks/{made['id']}/explain", headers=member))
    assert [one["text"] for one in explained["reasons"]] == ["it is in line for a runner"]
