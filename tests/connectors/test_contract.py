"""Every call of every connector against everything that can go wrong in the outside world."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from oppspot_runner.agents.web import WebAccess
from oppspot_runner.base.errors import (
    AccessDeniedError,
    AnswerRefusedError,
    MalformedAnswerError,
    RateLimitExceededError,
    SourceDownError,
)
from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.web import KeptAnswer
from oppspot_runner.connectors.http.asking import SourceClient
from oppspot_runner.connectors.http.exchange import Exchange
from oppspot_runner.connectors.http.keeping import AnswerKeeper
from oppspot_runner.connectors.http.policy import HttpLimits, HttpPolicy
from oppspot_runner.connectors.sources import configured_sources
from oppspot_runner.testing.world import World, made_content
from oppspot_runner.testing.world.world import NOW
from tests.connectors.contract_cases import CASES, REDDIT_KEY, REGISTER_KEY, Case

ELSEWHERE = "elsewhere.localhost"
SHORT = HttpLimits(read_s=0.15, total_s=0.3)
NOT_HERE = ["http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://10.0.0.1/"]
# Where a key may be seen: at the source that gave it.
FOR_KEYS = {REGISTER_KEY: ("/ch/", "/ch-doc/"), REDDIT_KEY: ("/reddit/",)}

each_case = pytest.mark.parametrize("case", CASES, ids=str)


class Alone:
    """What the layer needs of a database, for one call that nobody else knows of."""

    async def take(self, key: str, limit: RateLimit) -> float:
        return 0.0

    async def hold(self, key: str, limit: RateLimit, hold_s: float) -> None: ...

    async def admit(self, source: str, host: str) -> float | None:
        return None

    async def failed(self, source: str, host: str, error: str) -> None: ...

    async def mended(self, source: str, host: str) -> None: ...

    async def get(self, key: str) -> KeptAnswer | None:
        return None

    async def put(self, key: str, source: str, kept: KeptAnswer, keep_s: float) -> datetime:
        return await self.now()

    async def renew(self, key: str, keep_s: float) -> datetime | None:
        return None

    async def now(self) -> datetime:
        return datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def only_world() -> Iterator[World]:
    with World(made_content(NOW.date())) as world:
        yield world


@pytest.fixture
def world(only_world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The world, and after the test: no key was seen where it does not belong."""
    only_world.reset()
    for name, value in only_world.settings().items():
        monkeypatch.setenv(name, value)
    yield only_world
    assert_no_key_strays(only_world)


def assert_no_key_strays(world: World) -> None:
    settings = world.settings()
    assert {name for name in settings if name.endswith(("KEY", "SECRET"))} == set(FOR_KEYS)
    for seen in world.log:
        shown = seen.headers.get("authorization", "")
        places = tuple(place for some in FOR_KEYS.values() for place in some)
        assert not shown or seen.path.startswith(places), seen.path
        others = [value for name, value in seen.headers.items() if name != "authorization"]
        for name, own in FOR_KEYS.items():
            assert not any(settings[name] in one for one in (seen.path, seen.query, *others))
            assert settings[name] not in spelled_out(shown) or seen.path.startswith(own), seen.path


def spelled_out(authorization: str) -> str:
    """What it says, without the coat that Basic puts on it."""
    scheme, _, value = authorization.partition(" ")
    return b64decode(value).decode() if scheme == "Basic" else value


@asynccontextmanager
async def asked(limits: HttpLimits | None = None) -> AsyncIterator[WebAccess]:
    """The one layer, with the settings of the environment; pauses take no time."""

    async def sleep(seconds: float) -> None: ...

    settings, alone = Settings(), Alone()
    policy = HttpPolicy.of(settings)
    policy = replace(policy, limits=limits) if limits else policy
    exchange = Exchange(policy, alone, alone, contact=settings.contact, sleep=sleep)
    client = SourceClient(settings, exchange, AnswerKeeper(alone))
    try:
        yield WebAccess(client, configured_sources(settings))
    finally:
        await client.aclose()


async def result_of(case: Case, world: World, limits: HttpLimits | None = None) -> Any:
    async with asked(limits) as web:
        return await case.call(web, world)


async def assert_missing(case: Case, world: World) -> None:
    if case.missing is None:
        with pytest.raises(MalformedAnswerError):
            await result_of(case, world)
        return
    found = await result_of(case, world)
    assert case.missing(found), found


def key_of(case: Case) -> str:
    assert case.key is not None
    return case.key


@each_case
async def test_the_right_answer(case: Case, world: World) -> None:
    async with asked() as web:
        found = await case.call(web, world)
        made = sum(web.requests.values())
    assert case.right(found), found
    assert made == case.requests


@each_case
async def test_that_there_is_no_such_thing_is_no_error(case: Case, world: World) -> None:
    world.fault(case.prefix, status=404, times=None)
    await assert_missing(case, world)


@each_case
@pytest.mark.parametrize("status", [401, 403])
async def test_who_is_not_let_in_is_told_so(status: int, case: Case, world: World) -> None:
    world.fault(case.prefix, status=status, times=None)
    with pytest.raises(AccessDeniedError) as caught:
        await result_of(case, world)
    assert (caught.value.status, caught.value.retried) == (status, False)


@pytest.mark.parametrize("case", [one for one in CASES if one.key], ids=str)
async def test_a_wrong_key_is_refused_and_not_repeated(
    case: Case, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(key_of(case), "a-key-of-somebody-else")
    with pytest.raises(AccessDeniedError) as caught:
        await result_of(case, world)
    assert caught.value.status == 401
    assert "a-key-of-somebody-else" not in str(caught.value)
    assert len(world.seen(case.prefix)) <= 2


@each_case
async def test_who_asks_too_often_waits_as_long_as_is_said(case: Case, world: World) -> None:
    world.fault(case.prefix, status=429, times=None, headers={"Retry-After": "7"})
    with pytest.raises(RateLimitExceededError) as caught:
        await result_of(case, world)
    assert caught.value.retry_after_s == 7
    assert len(world.seen(case.prefix)) == 1


@each_case
async def test_who_asks_too_often_waits_also_when_nothing_is_said(case: Case, world: World) -> None:
    world.fault(case.prefix, status=429, times=None)
    with pytest.raises(RateLimitExceededError) as caught:
        await result_of(case, world)
    assert (caught.value.retry_after_s or 0) >= 1
    assert len(world.seen(case.prefix)) == 1


@each_case
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_source_that_fails_once_is_asked_again(
    status: int, case: Case, world: World
) -> None:
    world.fault(case.prefix, status=status)
    async with asked() as web:
        found = await case.call(web, world)
        made = sum(web.requests.values())
    assert case.right(found), found
    assert made == case.requests + 1


@each_case
async def test_a_source_that_keeps_failing_is_down(case: Case, world: World) -> None:
    world.fault(case.prefix, status=503, times=None)
    with pytest.raises(SourceDownError) as caught:
        await result_of(case, world)
    assert (caught.value.status, caught.value.retried) == (503, True)
    assert len(world.seen(case.prefix)) == 3


@each_case
async def test_a_page_instead_of_data_is_no_answer(case: Case, world: World) -> None:
    page = "<html><h1>Harbour Ledger</h1></html>"
    world.fault(case.prefix, times=None, body=page, headers={"Content-Type": "text/html"})
    if not case.reads_json:
        assert case.right(await result_of(case, world))
        return
    with pytest.raises(MalformedAnswerError) as caught:
        await result_of(case, world)
    assert caught.value.retried


@each_case
async def test_half_an_answer_is_none(case: Case, world: World) -> None:
    world.fault(case.prefix, times=None, truncate=7)
    with pytest.raises(MalformedAnswerError) as caught:
        await result_of(case, world)
    assert caught.value.retried
    assert len(world.seen(case.prefix)) == 2


@pytest.mark.slow
@each_case
async def test_an_answer_that_drips_is_not_waited_for(case: Case, world: World) -> None:
    world.fault(case.prefix, times=None, drip=True)
    with pytest.raises(SourceDownError) as caught:
        await result_of(case, world, SHORT)
    assert "in time" in str(caught.value) or "within" in str(caught.value)


@each_case
async def test_an_answer_that_is_too_large_is_refused(case: Case, world: World) -> None:
    world.fault(case.prefix, times=None, body=b" " * (case.most_bytes + 1))
    with pytest.raises(AnswerRefusedError) as caught:
        await result_of(case, world)
    assert (caught.value.code, caught.value.retried) == ("RESPONSE_TOO_LARGE", False)
    assert len(world.seen(case.prefix)) == 1


@each_case
async def test_redirects_in_a_circle_are_left(case: Case, world: World) -> None:
    world.fault(case.prefix, times=None, redirect=f"{world.url}{case.prefix}round")
    with pytest.raises(AnswerRefusedError) as caught:
        await result_of(case, world)
    assert (caught.value.code, caught.value.retried) == ("TOO_MANY_REDIRECTS", False)


@each_case
@pytest.mark.parametrize("address", NOT_HERE)
async def test_a_redirect_to_what_is_not_public_is_refused(
    address: str, case: Case, world: World
) -> None:
    world.fault(case.prefix, times=None, redirect=address)
    with pytest.raises(AnswerRefusedError) as caught:
        await result_of(case, world)
    assert (caught.value.code, caught.value.retried) == ("ADDRESS_NOT_PUBLIC", False)


@each_case
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_somebody_else_takes_no_key_with_it(
    status: int, case: Case, world: World
) -> None:
    elsewhere = f"http://{ELSEWHERE}:{world.port}/gone"
    world.fault(case.prefix, status=status, times=None, redirect=elsewhere)
    await assert_missing(case, world)
    strayed = [one for one in world.log if one.host.startswith(ELSEWHERE)]
    assert strayed
    assert not any("authorization" in one.headers for one in strayed)


async def test_the_environment_leads_nowhere_else(world: World) -> None:
    addresses = [value for name, value in os.environ.items() if name.startswith("OPPSPOT_")]
    assert all(one.startswith(world.url) for one in addresses if "://" in one)


@pytest.mark.parametrize(
    "stray",
    [
        {"path": "/ch/?key={key}"},
        {"path": "/ch/", "headers": {"X-Key": "{key}"}},
        {"path": "/algolia/search", "headers": {"Authorization": "Basic {basic}"}},
        {"path": "/reddit/r/saas/new", "headers": {"Authorization": "Basic {basic}"}},
        {"path": "/storage/1", "headers": {"Authorization": "bearer of something"}},
    ],
    ids=str,
)
async def test_a_key_where_it_does_not_belong_would_be_seen(
    stray: dict[str, Any], only_world: World
) -> None:
    only_world.reset()
    key = only_world.settings()[REGISTER_KEY]
    told = {"key": key, "basic": b64encode(f"{key}:".encode()).decode()}
    headers = {name: value.format(**told) for name, value in stray.get("headers", {}).items()}
    async with httpx.AsyncClient() as client:
        await client.get(only_world.url + stray["path"].format(**told), headers=headers)
    with pytest.raises(AssertionError):
        assert_no_key_strays(only_world)
