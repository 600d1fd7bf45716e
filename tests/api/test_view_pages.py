"""Pages of streams, runs, agents and what is found: what they show, and to whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

import httpx2
import pytest

from oppspot_runner.api.dashboard.pages import stream_companies
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken
from tests.api.domain import build

EVIL = "<script>alert('x')</script>{{ 7 * 7 }}"

LONG = """
WITH failed AS (
    INSERT INTO agent_tasks (agent_id, status, error_message, started_at, finished_at)
    VALUES (%(agent)s, 'failed', 'password=hunter2 ' || repeat('x', 900000), now(), now())
    RETURNING *)
INSERT INTO agent_executions (task_id, agent_id, attempt, status, error_message, output_data)
SELECT id, agent_id, 1, status, error_message, jsonb_build_object('all', repeat('y', 900000))
FROM failed RETURNING task_id
"""


@dataclass(frozen=True)
class World:
    """Ids of what is there."""

    stream: UUID
    run: UUID
    agent: UUID
    company: UUID
    signal: UUID
    draft: UUID


@pytest.fixture
async def world(db: Database) -> World:
    """A stream that runs, with companies, signals and what agents noticed; names are hostile."""
    domain = await build(db)
    await db.execute("UPDATE ai_agents SET name = %(evil)s WHERE id = %(id)s", _evil(domain.finder))
    await db.execute("UPDATE companies SET name = %(evil)s WHERE employees = 2", {"evil": EVIL})
    await db.execute("UPDATE streams SET name = %(evil)s", {"evil": EVIL})
    await db.execute(
        "UPDATE ai_agents SET schedule_cron = '0 8 * * 1' WHERE id = %(id)s", _evil(domain.scorer)
    )
    await db.execute(
        "INSERT INTO audit_log (actor, action, kind, target, before, after) VALUES (%(evil)s, "
        "'task.retry', 'task', %(id)s, '{\"status\": \"failed\"}', '{\"status\": \"pending\"}')",
        _evil(domain.finder),
    )
    run = await AsyncClient(db).run_stream(domain.stream_id, requested_by=EVIL)
    signal = await db.fetch_one("SELECT id, company_id FROM buying_signals")
    draft = await db.fetch_one("SELECT id FROM drafts")
    assert signal is not None
    assert draft is not None
    found = (signal["company_id"], signal["id"], draft["id"])
    return World(domain.stream_id, run, domain.finder, *found)


def _evil(agent: UUID) -> dict[str, object]:
    return {"evil": EVIL, "id": agent}


async def page(api: httpx2.AsyncClient, path: str, **more: object) -> str:
    answer = await api.get(path, headers={"accept": "text/html"}, **more)  # type: ignore[arg-type]
    assert answer.status_code == 200, (path, answer.text[-500:])
    assert EVIL not in answer.text, path
    assert "<script>alert" not in answer.text, path
    return str(answer.text)


async def test_every_page_shows_names_as_text(api: httpx2.AsyncClient, world: World) -> None:
    for path, shown in (
        ("/streams", "alert("),
        (f"/streams/{world.stream}", "alert("),
        (f"/streams/{world.stream}/companies?q=alert", "raised money"),
        (f"/streams/{world.stream}/companies/{world.company}", "in GB"),
        ("/runs?status=running", "alert("),
        (f"/runs/{world.run}", "alert("),
        ("/schedules", "Mondays at 08:00"),
        ("/agents", "alert("),
        (f"/agents/{world.agent}", "alert("),
        ("/costs?days=7", "No budget"),
        ("/audit?kind=task", "<del>failed</del>"),
        ("/signals?status=active", "alert("),
        (f"/signals/{world.signal}", "raised money"),
        ("/drafts", "template"),
        (f"/drafts/{world.draft}", "The draft"),
        ("/companies?q=company+002", "alert("),
        (f"/companies/{world.company}", "alert("),
        ("/notifications", "No rule"),
        ("/limits", "Nothing is paused"),
    ):
        assert shown in await page(api, path), path


@pytest.mark.slow
async def test_the_graph_of_a_run_is_drawn_and_told(api: httpx2.AsyncClient, world: World) -> None:
    text = await page(api, f"/runs/{world.run}")
    assert len(re.findall(r'<a class="node s-', text)) == 2
    assert len(re.findall(r'<path class="edge e-open"', text)) == 1
    assert 'aria-label="Scorer: waiting "' in text
    assert f'id="agent-{world.agent}"' in text  # in the table of the same
    assert f'data-run="{world.run}"' in text
    assert "data-ended" not in text


async def test_an_organisation_sees_its_own_and_who_may_only_read_is_offered_nothing(
    api: httpx2.AsyncClient, db: Database, world: World, token: MakeToken
) -> None:
    ours, theirs = [
        row["id"]
        for row in await db.fetch_all(
            "INSERT INTO organizations (name) VALUES ('ours'), ('theirs') RETURNING id"
        )
    ]
    for table in ("streams", "ai_agents", "stream_runs", "buying_signals", "drafts"):
        await db.execute(f"UPDATE {table} SET org_id = %s", (ours,))
    paths = [
        f"/streams/{world.stream}",
        f"/streams/{world.stream}/companies",
        f"/runs/{world.run}",
        f"/agents/{world.agent}",
        f"/signals/{world.signal}",
        f"/drafts/{world.draft}",
    ]
    offered = {}
    for scope in ("read", "run"):
        headers = {**await token(scope, ours), "accept": "text/html"}
        answers = [await api.get(path, headers=headers) for path in paths]
        assert [answer.status_code for answer in answers] == [200] * len(paths)
        offered[scope] = sum(answer.text.count('name="ask"') for answer in answers)
        for path in ("/schedules", "/agents", "/costs", "/audit", "/limits", "/notifications"):
            assert (await api.get(path, headers=headers)).status_code == 200, path
    assert (offered["read"], offered["run"] > 4) == (0, True)
    headers = {**await token("admin", theirs), "accept": "text/html"}
    for path in paths:
        assert (await api.get(path, headers=headers)).status_code == 404, path
    for path in ("/streams", "/runs", "/agents", "/signals", "/drafts", "/audit", "/schedules"):
        assert "alert(" not in (await api.get(path, headers=headers)).text, path
    refused = await api.post(f"/runs/{world.run}/cancel", headers=headers, data={"sure": "yes"})
    assert refused.status_code == 404


@pytest.mark.slow
async def test_what_is_not_there_is_a_page_that_says_so(api: httpx2.AsyncClient) -> None:
    nobody = UUID(int=1)
    for kind in ("streams", "runs", "agents", "signals", "drafts", "companies"):
        answer = await api.get(f"/{kind}/{nobody}", headers={"accept": "text/html"})
        assert answer.status_code == 404, kind
        assert "<h1>Not there</h1>" in answer.text


async def test_companies_of_a_stream_come_page_by_page(
    api: httpx2.AsyncClient, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_companies, "MOST_ITEMS", 10)
    domain = await build(db, companies=36)
    path, seen = f"/streams/{domain.stream_id}/companies", []
    while path:
        text = await page(api, path)
        seen += re.findall(r'<tr id="item-([0-9a-f-]+)"', text)
        older = re.search(r'href="[./]*(streams/[^"]+)" rel="next"', text)
        path = f"/{older[1].replace('&amp;', '&')}" if older else ""
    assert len(seen) == len(set(seen)) == 35


@pytest.mark.slow
async def test_a_long_error_and_a_long_output_make_no_page_long(
    api: httpx2.AsyncClient, world: World, db: Database
) -> None:
    """Pages are made anew each second while things happen."""
    row = await db.fetch_one(LONG, {"agent": world.agent})
    assert row is not None
    lists = ("/", "/tasks", "/dead-letters", f"/agents/{world.agent}")
    for path in (*lists, f"/tasks/{row['task_id']}"):
        text = await page(api, path)
        assert "password=[redacted]" in text, path
        assert len(text) < 400_000, path
    assert "letters more" in text
