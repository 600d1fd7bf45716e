"""Pages of tasks, without a browser: what they show to whom, and what their forms do."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote
from uuid import UUID

import httpx2
import pytest
from fastapi import Request
from markupsafe import escape

from oppspot_runner.api.dashboard import flash
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken

HTML = {"accept": "text/html"}
HOSTILE = "<script>alert(1)</script>' OR 1=1 -- {{ 7*7 }}"
VIEWS = ("/", "/tasks", "/tasks/new", "/dead-letters", "/runners")


async def made(db: Database, statement: str, **values: Any) -> UUID:
    row = await db.fetch_one(statement, values)
    assert row is not None
    found: UUID = row["id"]
    return found


async def agent(db: Database, name: str = "Scorer", org_id: UUID | None = None) -> UUID:
    return await made(
        db,
        "INSERT INTO ai_agents (name, agent_type, org_id) VALUES (%(name)s, 'llm', %(org)s) "
        "RETURNING id",
        name=name,
        org=org_id,
    )


async def failed(db: Database, agent_id: UUID, error: str = "it broke") -> UUID:
    return await made(
        db,
        "INSERT INTO agent_tasks (agent_id, org_id, status, finished_at, error_message, payload) "
        "SELECT a.id, a.org_id, 'failed', now(), %(error)s, "
        "jsonb_build_object('note', %(error)s::text, 'api_key', 'k-123456') "
        "FROM ai_agents a WHERE a.id = %(agent)s RETURNING id",
        agent=agent_id,
        error=error,
    )


async def status_of(db: Database, task: UUID) -> str:
    row = await db.fetch_one("SELECT status FROM agent_tasks WHERE id = %(id)s", {"id": task})
    assert row is not None
    return str(row["status"])


def told(answer: httpx2.Response) -> str:
    """What the next page tells."""
    assert answer.status_code == 303, answer.text
    cookie = answer.headers["set-cookie"].split(";")[0].partition("=")[2]
    scope = {"type": "http", "headers": [(b"cookie", f"{flash.COOKIE}={cookie}".encode())]}
    found = flash.of(Request(scope))
    assert found is not None
    return found.text


@pytest.mark.parametrize("path", VIEWS)
async def test_an_empty_database_says_what_to_try(api: httpx2.AsyncClient, path: str) -> None:
    answer = await api.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    assert any(words in answer.text for words in ("INSERT INTO", "oppspot-runner", "SELECT *"))


@pytest.mark.slow
async def test_what_people_wrote_is_text_and_secrets_are_nowhere(
    api: httpx2.AsyncClient, db: Database
) -> None:
    task = await failed(db, await agent(db, HOSTILE), f"{HOSTILE} password=k-123456")
    group = (await api.get("/dead-letters", headers=HTML)).text
    fingerprint = group.partition('id="group-')[2].partition('"')[0]
    for path in (*VIEWS, f"/tasks/{task}", f"/dead-letters/{fingerprint}", f"/tasks?q={HOSTILE}"):
        answer = await api.get(path, headers=HTML)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        assert "<script>alert" not in answer.text, path
        assert "49" not in answer.text.partition("OR 1=1 -- ")[2][:20], path
        assert "k-123456" not in answer.text, path


async def test_an_action_asks_first_where_no_script_does(
    api: httpx2.AsyncClient, db: Database
) -> None:
    task = await failed(db, await agent(db))
    form = {"ask": "Sure?", "back": f"tasks/{task}"}
    asked = await api.post(f"/tasks/{task}/retry", data=form)
    assert "<h1>Sure?</h1>" in asked.text
    assert '<nav aria-label="Views">' in asked.text
    forged = await api.post(
        f"/tasks/{task}/retry", data=form, headers={"sec-fetch-site": "cross-site"}
    )
    assert told(forged).startswith("a page of another site")
    assert await status_of(db, task) == "failed"
    done = await api.post(f"/tasks/{task}/retry", data={**form, "sure": "yes"})
    assert told(done) == "It was put in line again."
    assert done.headers["location"] == f"../../tasks/{task}"
    assert await status_of(db, task) == "pending"
    recorded = await db.fetch_one("SELECT actor, action FROM audit_log")
    assert recorded == {"actor": "local", "action": "task.retry"}


async def test_a_task_that_backs_off_is_tried_now(api: httpx2.AsyncClient, db: Database) -> None:
    task = await made(
        db,
        "WITH t AS (INSERT INTO agent_tasks (agent_id, attempt, retry_count, scheduled_for) "
        "VALUES (%(agent)s, 1, 1, '2099-01-01Z') RETURNING id) "
        "INSERT INTO agent_executions (task_id, attempt, status) "
        "SELECT id, 1, 'failed' FROM t RETURNING task_id AS id",
        agent=await agent(db),
    )
    page = (await api.get(f"/tasks/{task}", headers=HTML)).text
    assert page.count(f'action="../tasks/{task}/retry"') == page.count(">Retry now</button>") == 1
    assert (await api.get(f"/api/v1/tasks/{task}")).json()["task"]["backs_off"] is True
    done = await api.post(f"/tasks/{task}/retry", data={"sure": "yes"})
    assert told(done) == "It was put in line, to be tried again at once."
    assert ">Retry now</button>" not in (await api.get(f"/tasks/{task}", headers=HTML)).text
    recorded = await db.fetch_one("SELECT before, after FROM audit_log")
    assert recorded is not None
    assert recorded["before"]["scheduled_for"] == "2099-01-01T00:00:00+00:00"
    assert recorded["after"]["scheduled_for"] < "2099"
    again = await api.post(f"/api/v1/tasks/{task}/retry")
    assert again.json() == {"id": str(task), "status": "pending", "changed": False}


@pytest.mark.slow
async def test_who_may_only_read_is_offered_nothing_and_changes_nothing(
    api: httpx2.AsyncClient, db: Database, token: MakeToken
) -> None:
    org = await made(db, "INSERT INTO organizations (name) VALUES ('Northwind') RETURNING id")
    task = await failed(db, await agent(db, org_id=org))
    headers = {**await token("read", org), **HTML}
    for path in (f"/tasks/{task}", "/tasks", "/dead-letters", "/runners", "/"):
        answer = await api.get(path, headers=headers)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        assert 'name="ask"' not in answer.text, path
    assert str(task) in (await api.get("/tasks", headers=headers)).text
    refused = await api.post(f"/tasks/{task}/retry", headers=headers)
    assert "scope run" in told(refused)
    assert await status_of(db, task) == "failed"
    assert (await api.get("/tasks/new", headers=headers)).status_code == 403


async def test_the_same_is_done_to_chosen_tasks_or_to_all_that_match(
    api: httpx2.AsyncClient, db: Database
) -> None:
    first, second, third = [await failed(db, await agent(db, name)) for name in "abc"]
    answer = await api.post("/tasks/retry", data={"id": [str(first)], "back": "tasks"})
    assert told(answer) == "1 of 1 tasks were put in line again."
    answer = await api.post("/tasks/discard", data={"all": "yes", "status": "failed"})
    assert told(answer) == "2 of 2 tasks were discarded."
    assert [await status_of(db, one) for one in (first, second, third)] == [
        "pending",
        "cancelled",
        "cancelled",
    ]
    nothing = await api.post("/tasks/cancel", data={"id": [str(second)]})
    assert told(nothing) == (
        "0 of 1 tasks were cancelled, or asked to end. Of the others: it is cancelled."
    )


async def test_a_group_of_dead_letters_goes_back_in_line(
    api: httpx2.AsyncClient, db: Database
) -> None:
    owner = await agent(db)
    for number in (1, 2):
        await failed(db, owner, f"contact {number} has no owner")
    page = (await api.get("/dead-letters", headers=HTML)).text
    fingerprint = page.partition('id="group-')[2].partition('"')[0]
    answer = await api.post(f"/dead-letters/{fingerprint}/requeue")
    assert told(answer) == "2 of 2 tasks were put in line again."
    gone = await api.get(f"/dead-letters/{fingerprint}", headers=HTML)
    assert gone.status_code == 404


async def test_a_new_task_keeps_what_was_written_until_it_is_right(
    api: httpx2.AsyncClient, db: Database
) -> None:
    form = {"agent": str(await agent(db)), "payload": '{"days": 7', "priority": "9"}
    wrong = await api.post("/tasks/new", data=form)
    assert wrong.status_code == 422
    assert "the payload is no JSON" in wrong.text
    assert "{&#34;days&#34;: 7</textarea>" in wrong.text
    right = await api.post("/tasks/new", data={**form, "payload": '{"days": 7}'})
    assert told(right) == "The task was added."
    row = await db.fetch_one("SELECT id, priority, payload, requested_by FROM agent_tasks")
    assert row is not None
    assert (row["priority"], row["payload"], row["requested_by"]) == (9, {"days": 7}, "local")
    assert unquote(right.headers["location"]).endswith(f"tasks/{row['id']}")


async def test_a_task_promises_no_number_of_retries_that_its_agent_decides(
    api: httpx2.AsyncClient, db: Database
) -> None:
    task = await failed(db, await agent(db))
    row = "<dt>Retries</dt><dd>0{}</dd>"
    assert row.format("") in (await api.get(f"/tasks/{task}", headers=HTML)).text
    await db.execute("UPDATE agent_tasks SET max_retries = 5 WHERE id = %s", [task])
    assert row.format(" of 5") in (await api.get(f"/tasks/{task}", headers=HTML)).text


async def test_a_task_runs_again_with_what_was_edited(
    api: httpx2.AsyncClient, db: Database
) -> None:
    task = await failed(db, await agent(db))
    masked = {"payload": '{"note": "other", "api_key": "[redacted]"}'}
    refused = await api.post(f"/tasks/{task}/replay", data=masked)
    assert refused.status_code == 422
    assert "in place of a secret" in refused.text
    broken = await api.post(f"/tasks/{task}/replay", data={"payload": '{"half": "written'})
    assert "the payload is no JSON" in broken.text
    assert escape('{"half": "written') in broken.text, "what was written is lost"
    assert (await api.get(f"/tasks/{task}/replay")).status_code == 200  # loaded again
    done = await api.post(f"/tasks/{task}/replay", data={"payload": '{"note": "other"}'})
    assert told(done) == "This task does it again."
    row = await db.fetch_one(
        "SELECT payload FROM agent_tasks WHERE replay_of = %(id)s", {"id": task}
    )
    assert row == {"payload": {"note": "other"}}


async def test_operators_choose_among_organisations_also_unnamed_ones(
    api: httpx2.AsyncClient, db: Database
) -> None:
    rows = await db.fetch_all(
        "INSERT INTO organizations (name) VALUES ('Northwind'), (NULL) RETURNING id"
    )
    answer = await api.get("/tasks", params={"org": str(rows[0]["id"])})
    assert answer.status_code == 200, answer.text
    assert f'<option value="{rows[0]["id"]}" selected>Northwind</option>' in answer.text
    assert f">{str(rows[1]['id'])[:8]}</option>" in answer.text
