"""/metrics: for whom, in which form, and what it says of requests."""

from __future__ import annotations

import httpx2
import pytest

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.application import build_application
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken
from tests.observe.test_metrics import numbers


def _requests(scraped: str) -> dict[tuple[str, ...], float]:
    """How many there were, by route, method and kind of status."""
    found = numbers(scraped).items()
    return {key[1:4]: value for key, value in found if key[0] == "oppspot_http_requests_total"}


@pytest.mark.slow
async def test_requests_are_counted_by_the_template_of_their_route(
    api: httpx2.AsyncClient,
) -> None:
    await api.get("/healthz")
    await api.get("/api/v1/tasks/00000000-0000-0000-0000-000000000000")
    await api.get("/nowhere/at/all")
    answer = await api.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert _requests(answer.text) == {
        ("/healthz", "GET", "2xx"): 1,
        ("/api/v1/tasks/{task_id}", "GET", "4xx"): 1,
        ("none", "GET", "4xx"): 1,
    }


async def test_heads_and_what_is_refused_before_a_route_are_counted(db: Database) -> None:
    """An operator wants to see that somebody is refused."""
    settings = Settings(_env_file=None, http_rate=1)
    app = build_application(ApiState(db, settings, registry, open_access=True))
    for place, path, times in (("10.0.0.1", "/api/v1/tasks", 3), ("10.0.0.2", "/metrics", 1)):
        transport = httpx2.ASGITransport(app=app, client=(place, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for _ in range(times):
                answer = await client.request("GET" if path == "/metrics" else "HEAD", path)
    assert _requests(answer.text) == {
        ("/api/v1/tasks", "HEAD", "2xx"): 2,
        ("none", "HEAD", "4xx"): 1,
    }


async def test_metrics_are_for_operators_and_their_scope_is_enough(
    api: httpx2.AsyncClient, token: MakeToken, db: Database
) -> None:
    org = await db.fetch_one("INSERT INTO organizations (name) VALUES ('A') RETURNING id")
    assert org is not None
    of_operators = await api.get("/metrics", headers=await token("metrics"))
    of_others = await api.get("/metrics", headers=await token("read", org["id"]))
    nothing_else = await api.get("/", headers=await token("metrics"))
    assert (of_operators.status_code, of_others.status_code) == (200, 403)
    assert of_others.json()["code"] == "FORBIDDEN"
    assert nothing_else.status_code == 403


async def test_openmetrics_is_answered_to_whoever_asks_for_it(api: httpx2.AsyncClient) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = await api.get("/metrics", headers=accept)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
