"""Every address, also those that come later: nothing of others in any answer, nothing of theirs
changed; who may only read changes nothing, and nobody gets past his scope."""

from __future__ import annotations

import asyncio
import base64

import httpx2
import pytest

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.application import build_application
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.actor import SCOPES
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from tests.access.asking import Request, requests_with
from tests.access.conftest import Organisation
from tests.access.worlds import Owner, World, difference
from tests.api.conftest import MakeToken

LONG_S = 20  # an answer that takes so long is one without end


@pytest.fixture
def state(db: Database) -> ApiState:
    return ApiState(db, Settings(_env_file=None, http_rate=0), registry)


async def answer_to(
    api: httpx2.AsyncClient, request: Request, headers: dict[str, str], accept: str
) -> httpx2.Response:
    async with asyncio.timeout(LONG_S):
        return await api.request(
            request.method, request.url, headers={**headers, "Accept": accept}, **request.options
        )


def ids_of(owner: Owner, org: object = None) -> dict[str, object]:
    return {**owner.ids, "org": org or owner.org}


def is_refused(answer: httpx2.Response) -> bool:
    """Told as it is, or by the page that a form leads back to."""
    flash = answer.cookies.get("oppspot_flash", "")
    return answer.status_code == 403 or (
        answer.status_code == 303 and b"wants a token of scope" in base64.b64decode(flash + "==")
    )


def kind_of(request: Request) -> str:
    return "application/json" if request.url.startswith("/api/") else "text/html"


@pytest.mark.slow
@pytest.mark.ci_slice
async def test_no_answer_holds_what_is_others(
    world: World, ours: Organisation, token: MakeToken, api: httpx2.AsyncClient, state: ApiState
) -> None:
    app = build_application(state)
    headers = await token("admin", ours.id)
    before = world.of_others()
    codes = set()
    for other in world.others:
        for request in requests_with(app, ids_of(other, world.others[0].org)):
            answer = await answer_to(api, request, headers, kind_of(request))
            codes.add(answer.status_code)
            assert answer.status_code < 500, f"{request}: {answer.text[:500]}"
            told = answer.text + str(answer.headers)
            assert not any(mark in told for mark in world.marks), f"{request}: {told[:2000]}"
    assert {200, 404} <= codes
    assert 429 not in codes
    assert difference(before, world.of_others()) == {}


@pytest.mark.slow
@pytest.mark.ci_slice
async def test_nobody_gets_past_the_scope_of_his_token(
    world: World, ours: Organisation, token: MakeToken, api: httpx2.AsyncClient, state: ApiState
) -> None:
    app = build_application(state)
    tokens = {scope: await token(scope, ours.id) for scope in SCOPES}
    before = world.rows()
    seen = 0
    for request in requests_with(app, ids_of(world.ours)):
        for scope, headers in tokens.items():
            wanted = request.scope
            if wanted is not None and SCOPES.index(scope) < SCOPES.index(wanted):
                answer = await answer_to(api, request, headers, "application/json")
                assert is_refused(answer), f"{request} as {scope}: {answer.text[:300]}"
            elif scope == "read":
                answer = await answer_to(api, request, headers, kind_of(request))
                assert answer.status_code < 500, f"{request}: {answer.text[:500]}"
                seen += world.ours.mark in answer.text
    assert seen > 20
    assert difference(before, world.rows()) == {}
