"""Signals, drafts, companies, people, notifications, costs and the outside world by HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx2

from oppspot_runner.api.application import build_application
from oppspot_runner.api.state import ApiState
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken
from tests.api.domain import all_pages, build


async def recorded(db: Database) -> list[dict[str, Any]]:
    return await db.fetch_all("SELECT action, before, after FROM audit_log ORDER BY id")


async def test_signals_and_drafts_are_read_and_decided(
    api: httpx2.AsyncClient, db: Database
) -> None:
    domain = await build(db)
    (signal,) = await all_pages(api, "/api/v1/signals", stream_id=domain.stream_id, days=1)
    url = f"/api/v1/signals/{signal['id']}"
    assert (await api.get(url)).json()["effect"] > 0
    assert (await api.post(f"{url}/act")).json()["status"] == "acted_upon"
    dismissed = (await api.post(f"{url}/dismiss")).json()
    assert (dismissed["status"], dismissed["effect"]) == ("false_positive", None)
    drafts = await all_pages(api, "/api/v1/drafts", stream_id=domain.stream_id)
    assert len({row["id"] for row in drafts}) == 6
    ids = [row["id"] for row in drafts]
    for draft, verb, status in (
        (0, "sent", 409),
        (0, "approve", 200),
        (0, "sent", 200),
        (1, "reject", 200),
        (1, "approve", 409),
        (2, "withdraw", 200),
    ):
        answer = await api.post(f"/api/v1/drafts/{ids[draft]}/{verb}", json={"reason": "so"})
        assert answer.status_code == status, (draft, verb, answer.text)
    shown = (await api.get(f"/api/v1/drafts/{ids[1]}")).json()
    assert (shown["status"], shown["reason"], shown["decided_by"]) == ("rejected", "so", "local")
    told = [
        (row["action"], row["before"]["status"], row["after"]["status"])
        for row in await recorded(db)
    ]
    assert told == [
        ("signal.act", "active", "acted_upon"),
        ("signal.dismiss", "acted_upon", "false_positive"),
        ("draft.approve", "draft", "approved"),
        ("draft.sent", "approved", "sent_elsewhere"),
        ("draft.reject", "draft", "rejected"),
        ("draft.withdraw", "draft", "withdrawn"),
    ]
    assert (await api.post(f"/api/v1/signals/{uuid4()}/act")).status_code == 404


async def test_companies_and_people_are_looked_up(api: httpx2.AsyncClient, db: Database) -> None:
    await build(db)
    named = await all_pages(api, "/api/v1/companies", words="Company 00")
    assert [row["name"] for row in named] == [f"Company {n}" for n in range(1, 7)]
    for exact in ("00000004", "www.company4.com", named[3]["id"]):
        (found,) = await all_pages(api, "/api/v1/companies", words=exact)
        assert found["name"] == "Company 4", exact
    assert await all_pages(api, "/api/v1/companies", words="ompany") == []
    shown = (await api.get(f"/api/v1/companies/{named[1]['id']}")).json()
    assert shown["facts"][0]["source_url"] == "https://test.example/"
    assert shown["streams"][0]["stream"] == "Leads"
    (signal,) = await all_pages(api, f"/api/v1/companies/{named[1]['id']}/signals")
    assert signal["company"] == "Company 2"
    people = await all_pages(api, "/api/v1/people")
    assert [row["name"] for row in people] == [f"Person {n}" for n in range(1, 6)]
    person = (await api.get(f"/api/v1/people/{people[0]['person_id']}")).json()["items"][0]
    assert person["offices"][0]["role"] == "director"


def test_no_route_changes_a_company_or_a_person(state: ApiState) -> None:
    changing = {
        route.path
        for route in build_application(state).known
        if route.methods and not route.methods <= {"GET", "HEAD"}
    }
    assert changing
    assert not [path for path in changing if "companies" in path or "people" in path]


async def test_rules_are_kept_and_secrets_are_only_named(
    api: httpx2.AsyncClient, db: Database, token: MakeToken
) -> None:
    url = "/api/v1/notifications/rules"
    mail = {"name": "ops", "event": "task_dead", "channel": "email", "target": "a@b.example"}
    rule = (await api.post(url, json=mail)).json()
    assert (await api.post(url, json=mail)).status_code == 409
    hook = {**mail, "name": "hook", "channel": "webhook", "target": "https://h.example/x"}
    plain = await api.post(url, json={**hook, "secret": "s3cr3t"})
    assert (plain.status_code, "s3cr3t" in plain.text) == (422, False)
    assert (await api.post(url, json={**hook, "secret": "env:HOOK"})).json()["secret"] == "env:HOOK"
    slack = {**mail, "name": "s", "channel": "slack", "target": "https://hooks.slack.example/T/B/k"}
    assert (await api.post(url, json=slack)).status_code == 422
    one = f"{url}/{rule['id']}"
    assert (await api.post(f"{one}/pause")).json()["is_active"] is False
    assert (await api.post(f"{one}/resume")).json()["is_active"] is True
    untold = await api.post(f"{one}/test")
    assert (untold.status_code, untold.json()["code"]) == (422, "SERVICE_NOT_CONFIGURED")
    assert [row["name"] for row in (await api.get(url)).json()["items"]] == ["hook", "ops"]
    assert (await api.delete(one)).status_code == 204
    assert (await api.delete(one)).status_code == 404
    assert (await api.get("/api/v1/notifications")).json() == {"items": [], "next_cursor": None}
    actions = [row["action"].removeprefix("notification.") for row in await recorded(db)]
    assert actions == ["add", "add", "pause", "resume", "remove"]
    org = await db.fetch_one(
        "INSERT INTO organizations (id) VALUES (gen_random_uuid()) RETURNING id"
    )
    assert org is not None
    theirs = await token("admin", org["id"])
    named = await api.post(
        url, json={**hook, "name": "h2", "secret": "file:/etc/hostname"}, headers=theirs
    )
    assert (named.status_code, named.json()["code"]) == (403, "FORBIDDEN")
    assert (await api.get("/api/v1/sources", headers=theirs)).status_code == 403


async def test_costs_and_budgets(api: httpx2.AsyncClient, db: Database) -> None:
    domain = await build(db)
    for by, key in (("model", "small"), ("agent", str(domain.finder))):
        costs = (await api.get("/api/v1/costs", params={"by": by})).json()
        assert [(row["key"], row["cost_usd"], row["calls"]) for row in costs["items"]] == [
            (key, 3.0, 3)
        ]
    past = {"until": "2020-01-01T00:00:00Z", "since": "2019-01-01T00:00:00Z"}
    assert (await api.get("/api/v1/costs", params=past)).json()["total"] is None
    url = f"/api/v1/costs/budgets/agent/{domain.finder}/day"
    assert (await api.put(url, json={"limit_usd": "2.50"})).json()["limit_usd"] == 2.5
    assert (
        await api.put(url, json={"limit_usd": 5, "on_unknown_price": "allow"})
    ).status_code == 200
    (budget,) = await all_pages(api, "/api/v1/costs/budgets")
    assert (budget["name"], budget["left_usd"]) == ("Finder", 2.0)
    assert (await api.put(url, json={"limit_usd": "NaN"})).status_code == 422
    nobody = f"/api/v1/costs/budgets/agent/{uuid4()}/day"
    assert (await api.put(nobody, json={"limit_usd": 1})).status_code == 404
    assert [(await api.delete(url)).status_code for _ in range(2)] == [204, 404]
    told = [(row["action"], row["before"], row["after"]) for row in await recorded(db)]
    assert [(action, before and before["limit_usd"]) for action, before, _ in told] == [
        ("budget.set", None),
        ("budget.set", "2.50"),
        ("budget.remove", "5"),
    ]


async def test_what_is_outside_is_told(api: httpx2.AsyncClient) -> None:
    sources = {one["name"]: one for one in (await api.get("/api/v1/sources")).json()["items"]}
    assert sources["companies_house"]["limit_calls"] > 0
    tools = {one["name"]: one for one in (await api.get("/api/v1/tools")).json()["items"]}
    assert tools["calculator"]["parameters"]["type"] == "object"


async def test_an_organisation_works_with_what_is_its_own(
    api: httpx2.AsyncClient, db: Database, token: MakeToken
) -> None:
    domain = await build(db)
    made = await db.fetch_all(
        "INSERT INTO organizations (id) SELECT gen_random_uuid() FROM generate_series(1, 2) "
        "RETURNING id"
    )
    org, other = (row["id"] for row in made)
    theirs = await token("admin", org)
    await db.execute("UPDATE buying_signals SET org_id = %s", [org])
    await db.execute("UPDATE drafts SET org_id = %s WHERE prompt_hash = 'Company 1'", [org])
    stream = (await api.post("/api/v1/streams", json={"name": "Own"}, headers=theirs)).json()
    assert stream["org_id"] == str(org)
    refused = await api.post(
        "/api/v1/streams", json={"name": "x", "org_id": str(other)}, headers=theirs
    )
    assert refused.status_code == 403
    agent = (
        await api.post("/api/v1/agents", json={"name": "Own", "agent_type": "noop"}, headers=theirs)
    ).json()
    url = f"/api/v1/streams/{stream['id']}"
    agent_id = agent.get("id") or agent["agent"]["id"]
    (signal,) = (await api.get("/api/v1/signals", headers=theirs)).json()["items"]
    (draft,) = (await api.get("/api/v1/drafts", headers=theirs)).json()["items"]
    rule = {"name": "own", "event": "task_dead", "channel": "email", "target": "a@b.example"}
    for method, path, body in (
        ("POST", f"{url}/agents", {"agent_id": agent_id}),
        ("PATCH", url, {"name": "Owned"}),
        ("POST", f"{url}/run", None),
        ("GET", f"{url}/graph", None),
        ("GET", f"{url}/items", None),
        ("POST", f"/api/v1/signals/{signal['id']}/dismiss", None),
        ("POST", f"/api/v1/drafts/{draft['id']}/approve", None),
        ("POST", "/api/v1/notifications/rules", rule),
        ("GET", "/api/v1/notifications", None),
        ("PUT", f"/api/v1/costs/budgets/stream/{stream['id']}/day", {"limit_usd": 1}),
        ("GET", "/api/v1/costs/budgets", None),
        ("GET", "/api/v1/costs", None),
        ("GET", "/api/v1/companies", None),
        ("GET", "/api/v1/people", None),
        ("DELETE", f"/api/v1/costs/budgets/stream/{stream['id']}/day", None),
    ):
        answer = await api.request(method, path, json=body, headers=theirs)
        assert answer.status_code in (200, 204), (method, path, answer.text)
    for path in (
        f"/api/v1/streams/{domain.stream_id}",
        f"/api/v1/streams/{domain.stream_id}/items",
    ):
        assert (await api.get(path, headers=theirs)).status_code == 404
    assert (await api.get("/api/v1/costs", headers=theirs)).json()["total"] is None
