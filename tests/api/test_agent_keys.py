"""Keys of single agents: stored encrypted, used for their calls, and shown nowhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx2
import pytest
from cryptography.fernet import Fernet
from psycopg import sql
from pydantic import SecretStr

from oppspot_runner.agents.llm import llm
from oppspot_runner.api.state import ApiState
from oppspot_runner.app import agent_keys
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from oppspot_runner.llm.key_ring import KeyRing
from tests.llm.scripted import Answer, Fault
from tests.llm.server import ContractServer
from tests.llm.wire_anthropic import Anthropic
from tests.runner.conftest import Bench, bench, registry

__all__ = ["bench", "registry"]

API_KEY = "key-of-this-agent-alone"
# pytest lays its rules over ours
pytestmark = pytest.mark.filterwarnings("ignore:Sampling parameters")

MODEL = "claude-sonnet-4-20250514"


@pytest.fixture
async def provider() -> AsyncIterator[ContractServer]:
    async with ContractServer(Anthropic()) as running:
        yield running


@pytest.fixture
def settings(db: Database, provider: ContractServer, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of the server and of the runner."""
    monkeypatch.setenv("DATABASE_URL", db.dsn)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", provider.base_url)
    monkeypatch.setenv("OPPSPOT_SECRET_KEY", Fernet.generate_key().decode())
    return Settings(_env_file=None)


@pytest.fixture
def state(state: ApiState, settings: Settings) -> ApiState:
    return replace(state, settings=settings)


async def made(api: httpx2.AsyncClient, **fields: Any) -> httpx2.Response:
    return await api.post("/api/v1/agents", json={"name": "A", "model": MODEL, **fields})


async def everything_in(db: Database) -> str:
    tables = await db.fetch_all("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = []
    for row in tables:
        query = sql.SQL("SELECT t::text AS line FROM {} t").format(sql.Identifier(row["tablename"]))
        found += [one["line"] for one in await db.fetch_all(query)]  # type: ignore[arg-type]
    return "\n".join(found)


@pytest.mark.slow
async def test_a_key_reaches_the_provider_and_nobody_else(
    api: httpx2.AsyncClient,
    bench: Bench,
    provider: ContractServer,
    capfd: pytest.CaptureFixture[str],
) -> None:
    bench.registry.register(llm)
    answer = await made(api, api_key=API_KEY)
    assert answer.status_code == 200, answer.text
    agent = answer.json()
    assert (agent["api_key_stored"], "api_key" in agent) == (True, False)
    provider.script = [Answer(text="The answer is 4"), Fault("auth")]
    said = [answer.text]
    async with bench.running():
        for _ in range(2):
            asked = {"input": "What is 2 + 2?"}
            executed = await api.post(f"/api/v1/agents/{agent['id']}/execute", json=asked)
            said.append(executed.text)
    assert json.loads(said[1])["output"]["response"] == "The answer is 4"
    assert json.loads(said[2])["code"] == "AUTHENTICATION_FAILED"
    assert [one.key for one in provider.asked] == [API_KEY, API_KEY]
    said.append((await api.get(f"/api/v1/agents/{agent['id']}")).text)
    said.append((await api.get("/api/v1/agents")).text)
    wrong = await made(api, api_key={"text": API_KEY})
    said += [wrong.text, (await made(api, api_key=API_KEY, modle="x")).text]
    said += [await everything_in(bench.db), *capfd.readouterr()]
    assert "agent.create" in "".join(said)  # the record of changes was looked through
    assert API_KEY not in "".join(said)


async def test_a_key_is_replaced_and_taken_away(
    api: httpx2.AsyncClient, db: Database, settings: Settings
) -> None:
    agent = (await made(api, api_key="one")).json()["id"]
    for key, found in (("two", SecretStr("two")), (None, None)):
        changed = await api.patch(f"/api/v1/agents/{agent}", json={"api_key": key})
        assert changed.json()["api_key_stored"] is (key is not None), changed.text
        assert await agent_keys.find(db, settings, UUID(agent), "anthropic") == found


async def test_a_key_is_of_one_agent_and_one_provider(
    api: httpx2.AsyncClient, db: Database, settings: Settings
) -> None:
    one, other = [(await made(api, api_key=API_KEY)).json()["id"] for _ in range(2)]
    assert await agent_keys.find(db, settings, UUID(one), "openai") is None
    await db.execute(
        "UPDATE agent_keys SET sealed = (SELECT sealed FROM agent_keys WHERE agent_id = %s)"
        " WHERE agent_id = %s",
        (one, other),
    )
    with pytest.raises(agent_keys.StoredKeyUnreadableError, match="another agent"):
        await agent_keys.find(db, settings, UUID(other), "anthropic")


@pytest.mark.parametrize("secret", [None, "A" * 43 + "=", "short"])
async def test_a_secret_that_is_missing_or_wrong_is_named_and_ends_the_task(
    api: httpx2.AsyncClient, bench: Bench, monkeypatch: pytest.MonkeyPatch, secret: str | None
) -> None:
    bench.registry.register(llm)
    agent = (await made(api, api_key=API_KEY)).json()["id"]
    monkeypatch.delenv("OPPSPOT_SECRET_KEY")
    if secret is not None:
        monkeypatch.setenv("OPPSPOT_SECRET_KEY", secret)
    async with bench.running():
        asked = {"input": "What is 2 + 2?"}
        body = (await api.post(f"/api/v1/agents/{agent}/execute", json=asked)).json()
    assert body["code"] == "STORED_KEY_UNREADABLE"
    assert "OPPSPOT_SECRET_KEY" in body["error"]
    (task,) = await bench.db.fetch_all("SELECT status, attempt FROM agent_tasks")
    assert task == {"status": "failed", "attempt": 1}


async def test_without_a_secret_nothing_is_stored_and_the_other_way_is_named(
    api: httpx2.AsyncClient, db: Database, state: ApiState
) -> None:
    state.settings = state.settings.model_copy(update={"secret_key": None})
    answer = await made(api, api_key=API_KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "NOT_CONFIGURED")
    assert "api_key_env" in answer.json()["error"]
    assert await db.fetch_all("SELECT FROM ai_agents") == []


async def test_the_private_database_has_a_secret_of_its_own(
    tmp_path: Any, settings: Settings
) -> None:
    private = settings.model_copy(
        update={"secret_key": None, "database_url": None, "embedded_folder": tmp_path / "own"}
    )
    agent = UUID(int=1)
    sealed = agent_keys.key_ring(private).seal(agent, SecretStr(API_KEY))
    assert agent_keys.key_ring(private).open(agent, sealed).get_secret_value() == API_KEY
    assert (tmp_path / "own" / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
async def test_after_a_rotation_the_old_secret_is_needed_no_more(
    api: httpx2.AsyncClient, db: Database, settings: Settings
) -> None:
    agent = (await made(api, api_key=API_KEY)).json()["id"]
    assert settings.secret_key is not None
    old, new = settings.secret_key.get_secret_value(), Fernet.generate_key().decode()
    both = settings.model_copy(update={"secret_key": SecretStr(f"{new}, {old}")})
    assert await agent_keys.rotate(db, both) == 1
    (row,) = await db.fetch_all("SELECT sealed FROM agent_keys")
    assert KeyRing(new).open(UUID(agent), row["sealed"]).get_secret_value() == API_KEY
