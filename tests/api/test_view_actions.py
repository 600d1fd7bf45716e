"""What is done on pages of runs, schedules and agents: done, told, and recorded."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import Request

from oppspot_runner.api.dashboard import flash
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database
from oppspot_runner.workflow import runs
from tests.api.domain import Domain, build

HTML = {"accept": "text/html"}


@pytest.fixture
async def domain(db: Database) -> Domain:
    return await build(db)


async def submit(
    api: httpx2.AsyncClient, shown_on: str, button: str, **fields: str
) -> httpx2.Response:
    """Sends the form of a page that has this button, as who says yes; follows to the page after."""
    text = (await api.get(shown_on, headers=HTML)).text
    forms = re.findall(r'<form method="post".*?</form>', text, re.S)
    (form,) = [one for one in forms if re.search(rf'name="ask"[^>]*>{button}</button>', one)]
    action = re.search(r'action="[./]*([^"]+)"', form)
    assert action is not None
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    answer = await api.post(f"/{action[1]}", data={**hidden, **fields, "sure": "yes"}, headers=HTML)
    assert answer.status_code == 303, answer.text
    return answer


def told(answer: httpx2.Response) -> str:
    """What the next page says."""
    cookie = f"{flash.COOKIE}={answer.cookies[flash.COOKIE]}".encode()
    found = flash.of(Request({"type": "http", "headers": [(b"cookie", cookie)]}))
    assert found is not None
    assert found.kind == "done", found.text
    return found.text


async def recorded(db: Database) -> list[dict[str, Any]]:
    return await db.fetch_all("SELECT action, target, before, after FROM audit_log ORDER BY id")


async def test_a_run_is_approved_signalled_cancelled_and_done_again(
    api: httpx2.AsyncClient, db: Database, domain: Domain
) -> None:
    client = AsyncClient(db)
    await client.assign_agents_to_stream(
        domain.stream_id, [{"agent_id": domain.finder, "requires_approval": True}]
    )
    begun = await submit(api, f"/streams/{domain.stream_id}", "Start a run")
    run = UUID(begun.headers["location"].rpartition("/")[2])
    assert "wants approval" in (await api.get(f"/runs/{run}", headers=HTML)).text
    assert told(await submit(api, f"/runs/{run}", "Approve")) == "1 agent(s) were approved."
    answer = await submit(api, f"/runs/{run}", "Send", name="go", payload='{"n": 1}')
    assert told(answer) == "The signal 'go' was sent."
    await submit(api, f"/runs/{run}", "Cancel")
    assert (await runs.get_run(db, run))["status"] == "cancelled"
    again = await submit(api, f"/runs/{run}", "Run again")
    made = UUID(again.headers["location"].rpartition("/")[2])
    assert (await runs.get_run(db, made))["rerun_of"] == run
    actions = [row["action"] for row in await recorded(db)]
    assert actions == ["stream.run", "run.approve", "run.signal", "run.cancel", "run.rerun"]


async def test_a_payload_that_is_no_object_is_told(
    api: httpx2.AsyncClient, db: Database, domain: Domain
) -> None:
    run = await AsyncClient(db).run_stream(domain.stream_id)
    for bad in ("[1]", "{", "[" * 5000):
        answer = await submit(api, f"/runs/{run}", "Send", name="go", payload=bad)
        with pytest.raises(AssertionError, match="payload is no"):
            told(answer)
    assert await recorded(db) == []


async def test_a_schedule_is_paused_resumed_and_run_now(
    api: httpx2.AsyncClient, db: Database, domain: Domain
) -> None:
    await AsyncClient(db).update_agent(domain.scorer, schedule_cron="0 8 * * 1")
    assert "Mondays at 08:00" in (await api.get("/schedules", headers=HTML)).text
    assert "rests" in told(await submit(api, "/schedules", "Pause"))
    assert "fires again" in told(await submit(api, "/schedules", "Resume"))
    answer = await submit(api, "/schedules", "Run now")
    task = await AsyncClient(db).get(UUID(answer.headers["location"].rpartition("/")[2]))
    assert task.agent_id == domain.scorer
    rows = await recorded(db)
    assert [row["action"] for row in rows] == [
        "schedule.pause",
        "schedule.resume",
        "schedule.run_now",
    ]
    assert (rows[0]["before"]["state"], rows[0]["after"]["state"]) == ("active", "paused")


@pytest.mark.slow
async def test_an_agent_is_paused_and_made_inactive(
    api: httpx2.AsyncClient, db: Database, domain: Domain
) -> None:
    at = f"/agents/{domain.scorer}"
    assert "Scorer is paused" in told(await submit(api, at, "Pause"))
    assert "Scorer</a>" in (await api.get("/limits", headers=HTML)).text
    assert told(await submit(api, "/limits", "Resume")) == "Resumed."
    assert "inactive" in told(await submit(api, at, "Deactivate"))
    assert "active" in told(await submit(api, at, "Activate"))
    actions = [row["action"] for row in await recorded(db)]
    assert actions == ["agent.pause", "agent.resume", "agent.update", "agent.update"]


async def test_without_a_yes_nothing_is_done(
    api: httpx2.AsyncClient, db: Database, domain: Domain
) -> None:
    run = await AsyncClient(db).run_stream(domain.stream_id)
    asked = await api.post(f"/runs/{run}/cancel", data={"ask": "Cancel this run?"}, headers=HTML)
    assert "<h1>Cancel this run?</h1>" in asked.text
    assert (await runs.get_run(db, run))["status"] == "running"


async def test_signals_drafts_and_rules_are_decided(
    api: httpx2.AsyncClient, db: Database, domain: Domain
) -> None:
    await db.execute(
        "INSERT INTO notification_rules (name, event, channel, target) "
        "VALUES ('ops', 'task_dead', 'email', 'ops@example.com')"
    )
    signal, draft = [
        (await db.fetch_all(statement))[0]["id"]
        for statement in ("SELECT id FROM buying_signals", "SELECT id FROM drafts")
    ]
    assert "acted upon" in told(await submit(api, f"/signals/{signal}", "Acted upon"))
    assert told(await submit(api, f"/drafts/{draft}", "Reject")) == "Rejected."
    assert "tells nobody" in told(await submit(api, "/notifications", "Pause"))
    assert "again" in told(await submit(api, "/notifications", "Resume"))
    actions = [row["action"] for row in await recorded(db)]
    assert actions == ["signal.act", "draft.reject", "notification.pause", "notification.resume"]
