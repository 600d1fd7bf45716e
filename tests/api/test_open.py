"""Without a token everybody on this machine is let in, until there is one."""

from __future__ import annotations

import httpx2

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.application import build_application
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken

LIST = "/api/v1/tasks"


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


def _asked(db: Database, *, keep_s: float) -> httpx2.AsyncClient:
    state = ApiState(db, Settings(_env_file=None), registry, open_until_token=True, keep_s=keep_s)
    transport = httpx2.ASGITransport(app=build_application(state), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")
