"""Without a token everybody on this machine is let in, until there is one; then nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.access import LOGIN_LIMIT
from oppspot_runner.api.application import build_application
from oppspot_runner.api.openapi import Application
from oppspot_runner.api.sites import SAFE
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken

LIST = "/api/v1/tasks"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_the_first_token_that_is_asked_for_over_http_ends_it_at_once(db: Database) -> None:
    async with _asked(db, keep_s=60) as client:
        assert (await client.get(LIST)).status_code == 200
        made = await client.post("/api/v1/tokens", json={"name": "first", "scope": "admin"})
        assert made.status_code == 200
        assert (await client.get(LIST)).status_code == 401
        bearer = {"Authorization": f"Bearer {made.json()['token']}"}
        assert (await client.get(LIST, headers=bearer)).status_code == 200


async def test_one_that_is_made_elsewhere_ends_it_when_it_is_looked_for_again(
    db: Database, token: MakeToken
) -> None:
    async with _asked(db, keep_s=0) as client:
        assert (await client.get(LIST)).status_code == 200
        await token("admin")
        assert (await client.get(LIST)).status_code == 401


async def test_the_body_of_nobody_is_not_taken(db: Database) -> None:
    taken: list[str] = []

    async def body(path: str) -> AsyncIterator[bytes]:
        for _ in range(LOGIN_LIMIT // 1024 + 1):
            taken.append(path)
            yield b"x" * 1024

    settings = Settings(_env_file=None, http_rate=0)  # type: ignore[call-arg]
    app = build_application(ApiState(db, settings, registry))
    async with _client(app) as client:
        changes = [(route, route.methods - SAFE) for route in app.known if route.methods]
        asked = [(method, route.path) for route, methods in changes for method in methods]
        assert len(asked) > 60
        for method, path in asked:
            answer = await client.request(method, path, content=body(path), headers=FORM)
            assert answer.status_code == (413 if path == "/login" else 401), (path, answer.text)
    assert set(taken) == {"/login"}


def _asked(db: Database, *, keep_s: float) -> httpx2.AsyncClient:
    state = ApiState(db, Settings(_env_file=None), registry, open_until_token=True, keep_s=keep_s)
    return _client(build_application(state))


def _client(app: Application) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")
