"""What stands in front of all requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import Request, Response
from starlette.background import BackgroundTask
from structlog.testing import capture_logs

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.application import build_application
from oppspot_runner.api.middleware.rates import MOST_KNOWN, Buckets
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from tests.api.conftest import MakeToken


@asynccontextmanager
async def served(
    db: Database, handler: Callable[[Request], Awaitable[object]] | None = None, **settings: object
) -> AsyncIterator[httpx2.AsyncClient]:
    state = ApiState(db, Settings(_env_file=None, **settings), registry, open_access=True)  # type: ignore[arg-type]
    app = build_application(state)
    if handler is not None:
        app.add_api_route("/probe", handler, methods=["GET", "POST"])
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.mark.slow
async def test_every_answer_carries_what_keeps_browsers_safe(api: httpx2.AsyncClient) -> None:
    for path in ("/", "/api/v1/tasks", "/static/dashboard.css", "/nowhere", "/healthz"):
        headers = (await api.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert len(headers["x-request-id"]) == 16
    assert (await api.get("/api/v1/tasks")).headers["cache-control"] == "no-store"
    assert (await api.get("/static/dashboard.css")).headers["cache-control"] == "no-cache"
    versioned = await api.get("/static/dashboard.css?v=1")
    assert "immutable" in versioned.headers["cache-control"]
    missing = await api.get("/static/nothing.css?v=1")
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")


async def test_the_id_of_a_request_is_kept_if_it_is_one(api: httpx2.AsyncClient) -> None:
    for given, kept in (("a-1", True), ("a b", False), ("x" * 65, False)):
        answer = await api.get("/healthz", headers={"X-Request-ID": given})
        assert (answer.headers["x-request-id"] == given) is kept


@pytest.mark.slow
async def test_head_is_get_without_a_body_and_options_tells_methods(
    api: httpx2.AsyncClient,
) -> None:
    head, got = await api.head("/healthz"), await api.get("/healthz")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    options = await api.options("/api/v1/tasks/0/retry")
    assert (options.status_code, options.headers["allow"]) == (204, "OPTIONS, POST")
    refused = await api.post("/healthz")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (await api.options("/nowhere")).status_code == 404


async def read_body(request: Request) -> dict[str, int]:
    return {"bytes": len(await request.body())}


async def test_a_body_that_is_too_large_is_refused_whatever_it_says(db: Database) -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 1024

    async with served(db, read_body, http_body_limit=2048) as client:
        assert (await client.post("/probe", content=b"x" * 2048)).json() == {"bytes": 2048}
        assert (await client.post("/probe", content=chunks(2))).json() == {"bytes": 2048}
        for body in (b"x" * 2049, chunks(3)):
            answer = await client.post("/probe", content=body)
            assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.slow
async def test_an_answer_that_takes_too_long_is_ended(db: Database) -> None:
    ended = asyncio.Event()

    async def hang(request: Request) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with served(db, hang, http_time_limit=1) as client:
        answer = await client.get("/probe")
    assert (answer.status_code, answer.json()["code"]) == (503, "TIME_LIMIT_EXCEEDED")
    assert answer.headers["retry-after"] == "10"
    assert ended.is_set()


@pytest.mark.slow
async def test_a_fault_of_ours_is_told_without_its_words(db: Database) -> None:
    async def fail(request: Request) -> None:
        raise RuntimeError("a secret")

    async with served(db, fail) as client:
        answer = await client.get("/probe")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_fault_that_comes_after_the_answer_is_logged(db: Database) -> None:
    async def fail() -> None:
        raise RuntimeError("late")

    async def answer(request: Request) -> Response:
        return Response(b"a", background=BackgroundTask(fail))

    with capture_logs() as lines:
        async with served(db, answer) as client:
            assert (await client.get("/probe")).status_code == 200
    told = [line["event"] for line in lines if line["log_level"] == "error"]
    assert told == ["a request failed after its answer"]


@pytest.mark.slow
async def test_too_many_requests_are_refused_and_made_up_tokens_are_no_way_round(
    db: Database, token: MakeToken
) -> None:
    good = await token("admin")
    async with served(db, http_rate=0.01) as client:  # one at a time, then none for long
        assert (await client.get("/openapi.json")).status_code == 200
        refused = await client.get("/openapi.json")
        assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMIT_EXCEEDED")
        assert 90 <= int(refused.headers["retry-after"]) <= 100
        made_up = {"Authorization": "Bearer made-up"}
        assert (await client.get("/", headers=made_up)).status_code == 429
        for path in ("/static/dashboard.css", "/healthz", "/readyz"):
            assert (await client.get(path)).status_code == 200
    async with served(db, http_rate=0.01) as client:
        assert (await client.get("/", headers=good)).status_code == 200
        assert (await client.get("/openapi.json")).status_code == 429
        # Known to be good by now, it has a bucket of its own.
        assert (await client.get("/", headers=good)).status_code == 200


async def test_a_token_is_known_to_be_good_though_what_it_asked_for_is_not_there(
    db: Database, token: MakeToken
) -> None:
    good = await token("admin")
    async with served(db, http_rate=0.01) as client:
        asked = [await client.get("/api/v1/tasks/0", headers=good) for _ in range(3)]
    # The bucket of its address first, then its own.
    assert [one.status_code for one in asked] == [422, 422, 429]


def test_a_bucket_fills_again_and_those_unused_are_forgotten() -> None:
    now = [0.0]
    buckets = Buckets(2.0, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    now[0] = 0.5
    assert buckets.take("a") == 0
    for number in range(MOST_KNOWN):
        buckets.take(str(number))
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0]


@pytest.mark.slow
async def test_large_answers_are_compressed(api: httpx2.AsyncClient) -> None:
    large = await api.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert large.headers["content-encoding"] == "gzip"
    assert large.headers["vary"] == "Accept-Encoding"  # no cache hands it to who cannot read it
    whole = await api.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in whole.headers
    assert whole.json() == large.json()
    for how, zipped in (("br, gzip;q=0.5", True), ("gzip;q=0", False), ("gzip ; q=0.0, br", False)):
        asked = await api.get("/openapi.json", headers={"Accept-Encoding": how})
        assert ("content-encoding" in asked.headers) is zipped
    file = await api.get("/static/dashboard.css?v=1", headers={"Accept-Encoding": "identity"})
    assert file.headers["vary"] == "Accept-Encoding"  # nor the large form to everybody
    small = await api.get("/healthz", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in small.headers


async def test_requests_wait_until_the_schema_is_right(
    api: httpx2.AsyncClient, state: ApiState
) -> None:
    state.is_starting = True
    refused = await api.get("/api/v1/tasks")
    assert (refused.status_code, refused.json()["code"]) == (503, "STARTING")
    assert (await api.get("/healthz")).status_code == 200
    ready = await api.get("/readyz")
    assert ready.status_code == 503
    assert [check["name"] for check in ready.json()["checks"] if not check["ok"]] == ["schema"]
    state.begin()
    assert (await api.get("/readyz")).json()["status"] == "ready"


@pytest.mark.slow
@pytest.mark.parametrize(("proxies", "seen"), [([], "127.0.0.1"), (["127.0.0.0/8"], "192.0.2.9")])
async def test_a_forwarded_address_is_believed_of_known_proxies_only(
    db: Database, proxies: list[str], seen: str
) -> None:
    async def whose(request: Request) -> dict[str, str]:
        assert request.client is not None
        return {"host": request.client.host}

    async with served(db, whose, http_proxies=proxies) as client:
        answer = await client.get("/probe", headers={"X-Forwarded-For": "192.0.2.9"})
    assert answer.json() == {"host": seen}
