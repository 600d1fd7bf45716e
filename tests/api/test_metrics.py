"""/metrics: for whom, in which form, and what it says of requests."""

from __future__ import annotations

import httpx2
import pytest

from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken
from tests.observe.test_metrics import numbers


@pytest.mark.slow
async def test_requests_are_counted_by_the_template_of_their_route(
    api: httpx2.AsyncClient,
) -> None:
    await api.get("/healthz")
    await api.get("/api/v1/tasks/00000000-0000-0000-0000-000000000000")
    await api.get("/nowhere/at/all")
    answer = await api.get("/metrics")
    assert answer.status_code == 200, answer.text
    counted = {
        key[1:4]: value
        for key, value in numbers(answer.text).items()
        if key[0] == "oppspot_http_requests_total"
    }
    assert counted == {
        ("/healthz", "GET", "2xx"): 1,
        ("/api/v1/tasks/{task_id}", "GET", "4xx"): 1,
        ("none", "GET", "4xx"): 1,
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
