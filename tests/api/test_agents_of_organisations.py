"""Agents of two organisations: each has its own, its key, and what they are given to do."""

from __future__ import annotations

from uuid import UUID

import httpx2
import pytest
from cryptography.fernet import Fernet
from psycopg.errors import InsufficientPrivilege
from pydantic import SecretStr

from oppspot_runner.agents.llm import llm
from oppspot_runner.agents.registry import Registry
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.actor import Actor
from oppspot_runner.db.acting import acting
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken


async def organisation(db: Database) -> UUID:
    row = await db.fetch_one("INSERT INTO organizations (name) VALUES ('A') RETURNING id")
    assert row is not None
    org_id: UUID = row["id"]
    return org_id


async def test_an_organisation_has_its_own_agents_and_no_others(
    api: httpx2.AsyncClient, db: Database, token: MakeToken, state: ApiState
) -> None:
    state.registry = Registry()
    state.registry.register(llm)
    update = {"secret_key": SecretStr(Fernet.generate_key().decode())}
    state.settings = state.settings.model_copy(update=update)
    ours, theirs = await organisation(db), await organisation(db)
    we, they = {"headers": await token("admin", ours)}, {"headers": await token("admin", theirs)}
    fields = {"name": "Ours", "model": "mock:echo", "api_key": "a key of ours"}
    made = await api.post("/api/v1/agents", json=fields, **we)
    assert made.status_code == 200, made.text
    assert (made.json()["org_id"], made.json()["api_key_stored"]) == (str(ours), True)
    agent = f"/api/v1/agents/{made.json()['id']}"
    changed = await api.patch(agent, json={"api_key": "another", "description": "x"}, **we)
    assert changed.json()["description"] == "x", changed.text
    executed = await api.post(f"{agent}/execute?wait=0", json={"input": "a"}, **we)
    assert executed.status_code == 202, executed.text
    tested = await api.post(f"{agent}/test", json={"input": "a"}, **we)
    assert tested.json()["test_output"]["response"] == "a", tested.text
    for method, path, body in (
        ("GET", agent, None),
        ("GET", f"{agent}/tools", None),
        ("PATCH", agent, {"is_active": False}),
        ("DELETE", agent, None),
        ("POST", f"{agent}/execute", {"input": "a"}),
        ("POST", f"{agent}/test", {"input": "a"}),
    ):
        answer = await api.request(method, path, json=body, **they)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), path
    assert (await api.get("/api/v1/agents", **they)).json()["items"] == []
    elsewhere = {"name": "b", "model": "mock:echo", "org_id": str(ours)}
    assert (await api.post("/api/v1/agents", json=elsewhere, **they)).status_code == 403
    reading = {"headers": await token("read", ours)}
    assert (await api.post("/api/v1/agents", json=fields, **reading)).status_code == 403
    assert (await api.post(f"{agent}/test", json={"input": "a"}, **reading)).status_code == 403


async def test_an_agent_that_is_lent_is_run_and_not_changed(
    api: httpx2.AsyncClient, db: Database, token: MakeToken, state: ApiState
) -> None:
    state.registry = Registry()
    state.registry.register(llm)
    ours = await organisation(db)
    we = {"headers": await token("admin", ours)}
    lent = (await api.post("/api/v1/agents", json={"name": "L", "model": "mock:echo"})).json()["id"]
    stream = await db.fetch_one(
        "WITH s AS (INSERT INTO streams (name, org_id) VALUES ('s', %s) RETURNING id)"
        " INSERT INTO stream_agent_assignments (stream_id, agent_id) SELECT id, %s FROM s"
        " RETURNING stream_id",
        (ours, lent),
    )
    assert stream is not None
    agent, asked = f"/api/v1/agents/{lent}", {"json": {"input": "a"}, **we}
    answers = [
        await api.post(f"{agent}/execute?wait=0", **asked),
        await api.post(f"/api/streams/{stream['stream_id']}/agents/{lent}/execute", **we),
    ]
    assert [one.status_code for one in answers] == [202, 200], answers[1].text
    assert (await api.post(f"{agent}/test", **asked)).status_code == 200
    tasks = await db.fetch_all("SELECT org_id FROM agent_tasks")
    assert tasks == [{"org_id": ours}] * 2
    changes = [
        await api.patch(agent, json={"is_active": False}, **we),
        await api.patch(agent, json={"api_key": "k"}, **we),
        await api.delete(agent, **we),
    ]
    assert [(one.status_code, one.json()["code"]) for one in changes] == [(403, "FORBIDDEN")] * 3


async def test_no_statement_of_an_organisation_reads_a_stored_key(db: Database) -> None:
    actor = Actor("x", "admin", await organisation(db), proof="0" * 64)
    with pytest.raises(InsufficientPrivilege):
        async with acting(db, actor, read_only=True) as database:
            await database.fetch_all("SELECT sealed FROM agent_keys")


async def test_an_organisation_sees_counts_of_its_own_and_controls_no_runner(
    api: httpx2.AsyncClient, db: Database, token: MakeToken
) -> None:
    ours = await organisation(db)
    we = {"headers": await token("admin", ours)}
    for org_id in (ours, None, await organisation(db)):
        await db.execute(
            "INSERT INTO agent_tasks (task_type, org_id) VALUES ('agent_execution', %s)", (org_id,)
        )
    await db.execute(
        "INSERT INTO task_runners (host, pid, version, slots, poll_s, lease_s, beat_s, lease_until)"
        " VALUES ('secret-host', 1, '0', 3, 5, 30, 5, now() + interval '1 min')"
    )
    answer = await api.get("/api/agents/task-runner", **we)
    status = answer.json()
    assert (status["stats"]["pending"], status["stats"]["total"]) == (1, 1), answer.text
    assert (status["runner"]["status"], status["runner"]["max_concurrent_tasks"]) == ("running", 3)
    assert (status["runners"], "secret-host" in answer.text) == ([], False)
    stopped = await api.post("/api/agents/task-runner", json={"action": "stop"}, **we)
    assert (stopped.status_code, stopped.json()["code"]) == (403, "FORBIDDEN")
    (runner,) = await db.fetch_all("SELECT desired FROM task_runners")
    assert runner["desired"] == "run"
