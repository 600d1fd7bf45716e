"""A database that goes away, and comes back."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import httpx2
import pytest

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.routes import health
from oppspot_runner.api.serving import serving, state_on
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from tests.chaos.proxy import Proxy

TASKS = "/api/v1/tasks"
HTML = {"accept": "text/html"}
RETRY = {"sure": "yes", "back": "tasks?status=failed", "id": "01a21dc2-3c67-70d8-80bf-f89a28eb7cf9"}
OTHERS_S = 8.0  # less than what wants connections elsewhere waits


@pytest.mark.slow
async def test_who_asks_hears_soon_that_the_database_is_away_and_again_when_it_is_back(
    db: Database,
) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings = Settings(_env_file=None, open_access=True)
    async with (
        Proxy(db.dsn) as proxy,
        Database(proxy.dsn, schema=db.schema, patience_s=0.3) as pool,
        serving(state_on(pool, settings, registry), listening) as state,
        httpx2.AsyncClient(base_url=url, timeout=OTHERS_S) as client,
    ):
        state.open_access = True
        state.begin()
        assert (await client.get(TASKS)).status_code == 200
        proxy.is_down = True
        proxy.cut(1.0)
        for path in (TASKS, TASKS, "/"):
            answer = await client.get(path)
            assert answer.status_code == 503, answer.text
            assert answer.headers["retry-after"] == "2"
        assert 'http-equiv="refresh"' in (await client.get("/", headers=HTML)).text
        acted = (await client.post("/tasks/retry", data=RETRY, headers=HTML)).text
        assert "Perhaps it was done all the same" in acted
        assert 'href="../tasks?status=failed"' in acted
        assert 'http-equiv="refresh"' not in acted
        away = (await client.get(TASKS)).json()
        assert (away["success"], away["code"]) == (False, "DATABASE_AWAY")
        # What this process itself did is told all the same.
        assert (await client.get("/metrics")).status_code == 200
        proxy.is_down = False
        async with asyncio.timeout(OTHERS_S):
            while (await client.get(TASKS)).status_code != 200:
                pass


async def test_readiness_is_told_in_time_where_the_database_hangs(
    db: Database, api: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that was cancelled waits for the server first."""
    is_back = asyncio.Event()

    async def hang() -> None:
        with suppress(asyncio.CancelledError):
            await is_back.wait()
        await is_back.wait()

    monkeypatch.setattr(db, "ping", hang)
    monkeypatch.setattr(health, "DATABASE_S", 0.05)
    async with asyncio.timeout(OTHERS_S):
        answer = await api.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"][0]["reason"] == "no answer within 0.05 s"
    is_back.set()
    await asyncio.gather(*health.ASKING)
    assert not health.ASKING
