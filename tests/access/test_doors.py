"""Who comes in: tokens, cookies, pages of other sites, names that lead here, and nobody else."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import httpx2
import pytest

from oppspot_runner.api.failures import MOST_FAILURES, WHILE_S, Failures
from oppspot_runner.api.opening import open_doors
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import store
from tests.access.conftest import organisation
from tests.api.conftest import MakeToken

HTML = {"Accept": "text/html"}
OTHER = {"Sec-Fetch-Site": "cross-site"}
OWN = {"Sec-Fetch-Site": "same-origin"}
COOKIE = re.compile(r"oppspot_token=([^;]+);(.*)")
PAUSE = "/api/agents/task-runner"


async def logged_in(api: httpx2.AsyncClient, token: MakeToken, scope: str = "admin") -> str:
    """Logs in as an operator; the value that its forms bring."""
    secret = (await token(scope))["Authorization"].removeprefix("Bearer ")
    answer = await api.post("/login", data={"token": secret, "next": "tasks?x=1"}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "./tasks?x=1")
    page = await api.get("/", headers=HTML)
    found = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert found is not None, page.text
    return found[1]


async def test_a_token_makes_a_session_that_ends(
    api: httpx2.AsyncClient, token: MakeToken, state: ApiState
) -> None:
    state.open_access = False
    csrf = await logged_in(api, token)
    answer = await api.post("/logout", data={"csrf": csrf}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "./login")
    assert (await api.get("/", headers=HTML)).headers["location"].startswith("./login?next=")


async def test_the_cookie_is_only_for_this_site_and_no_script(
    api: httpx2.AsyncClient, token: MakeToken
) -> None:
    secret = (await token("admin"))["Authorization"].removeprefix("Bearer ")
    for scheme, is_secure in (("http", False), ("https", True)):
        answer = await api.post(f"{scheme}://localhost/login", data={"token": secret})
        found = COOKIE.match(answer.headers["set-cookie"])
        assert found is not None
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(found[2].strip().split("; "))
        assert ("Secure" in found[2]) is is_secure


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_nobody_is_led_elsewhere(
    api: httpx2.AsyncClient, token: MakeToken, place: str
) -> None:
    secret = (await token("admin"))["Authorization"].removeprefix("Bearer ")
    answer = await api.post("/login", data={"token": secret, "next": place})
    led = httpx2.URL("http://localhost/login").join(answer.headers["location"])
    assert led.host == "localhost"


async def test_a_wrong_token_is_told_and_not_shown(api: httpx2.AsyncClient) -> None:
    answer = await api.post("/login", data={"token": "opr_wrong"})
    assert answer.status_code == 401
    assert "the token is unknown" in answer.text
    assert "opr_wrong" not in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        OTHER,
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:81"},
        {"Origin": "http://["},
    ],
)
async def test_a_page_of_another_site_changes_nothing(
    api: httpx2.AsyncClient, token: MakeToken, state: ApiState, headers: dict[str, str]
) -> None:
    """Neither with the cookie of somebody, nor where no token is wanted."""
    state.open_access = False
    await logged_in(api, token)
    for is_open in (False, True):
        state.open_access = is_open
        answer = await api.post(PAUSE, json={"action": "stop"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "CROSS_SITE_REFUSED")
        api.cookies.clear()
    answer = await api.post("/login", data={"token": "x"}, headers=headers)
    assert answer.status_code == 403


async def test_a_form_wants_the_value_of_its_session(
    api: httpx2.AsyncClient, token: MakeToken, state: ApiState
) -> None:
    state.open_access = False
    other = await logged_in(api, token)
    await logged_in(api, token)
    for csrf in ("", other):
        answer = await api.post("/logout", data={"csrf": csrf}, headers=OWN)
        assert (answer.status_code, answer.json()["code"]) == (403, "CROSS_SITE_REFUSED")


async def test_a_cookie_without_an_origin_is_not_believed(
    api: httpx2.AsyncClient, token: MakeToken, state: ApiState
) -> None:
    state.open_access = False
    await logged_in(api, token)
    assert (await api.post(PAUSE, json={"action": "start"})).status_code == 403
    assert (await api.post(PAUSE, json={"action": "start"}, headers=OWN)).status_code == 200


async def test_a_token_in_a_header_may_come_from_anywhere(
    api: httpx2.AsyncClient, token: MakeToken, state: ApiState
) -> None:
    state.open_access = False
    headers = await token("admin") | OTHER | {"Host": "runner.example"}
    assert (await api.post(PAUSE, json={"action": "start"}, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("evil.example", 403),
        ("localhost.evil.example:8080", 403),
        ("1.evil", 403),
        ("[", 403),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("runner", 200),
        ("runner.local:80", 200),
    ],
)
async def test_names_that_others_let_lead_here_get_nothing_without_a_token(
    api: httpx2.AsyncClient, token: MakeToken, host: str, code: int
) -> None:
    answer = await api.get("/api/v1/tokens", headers={"Host": host})
    assert answer.status_code == code, answer.text
    headers = {"Host": host, **await token("admin")}
    assert (await api.get("/api/v1/tokens", headers=headers)).status_code == 200


async def test_tokens_that_end_are_of_no_use_at_once(
    api: httpx2.AsyncClient, token: MakeToken, state: ApiState, db: Database
) -> None:
    state.open_access = False
    expired = await token("admin", expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert "expired" in (await api.get("/api/v1/tokens", headers=expired)).json()["error"]
    good = await token("admin")
    assert (await api.get("/api/v1/tokens", headers=good)).status_code == 200
    await db.execute("UPDATE api_tokens SET revoked_at = now()")
    answer = await api.get("/api/v1/tokens", headers=good)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert (await api.get("/api/v1/tokens")).status_code == 401


async def test_an_organisation_whose_token_ends_meanwhile_sees_nothing(db: Database) -> None:
    ours = await organisation(db)
    async with ours.acts(read_only=True) as bound:
        assert await bound.fetch_all("SELECT FROM organizations")
        await db.execute("UPDATE api_tokens SET revoked_at = now() WHERE org_id = %s", (ours.id,))
        assert not await bound.fetch_all("SELECT FROM organizations")


async def test_who_tries_many_tokens_waits_and_others_do_not(
    api: httpx2.AsyncClient, token: MakeToken, state: ApiState
) -> None:
    now = [0.0]
    state.failures = Failures(clock=lambda: now[0])
    good, fresh = await token("admin"), await token("admin")
    await api.get("/api/v1/tokens", headers=good)
    for number in range(MOST_FAILURES):
        wrong = {"Authorization": f"Bearer opr_{number}"}
        assert (await api.get("/api/v1/tokens", headers=wrong)).status_code == 401
    for headers in (wrong, fresh):
        answer = await api.get("/api/v1/tokens", headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert (await api.get("/api/v1/tokens", headers=good)).status_code == 200
    now[0] = WHILE_S
    assert (await api.get("/api/v1/tokens", headers=fresh)).status_code == 200


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def listening(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.bind((request.param, 0))
        yield made


async def test_it_is_open_on_this_machine_until_there_is_a_token(
    api: httpx2.AsyncClient, token: MakeToken, state: ApiState, listening: socket.socket
) -> None:
    is_local = listening.getsockname()[0].startswith("127.")
    if is_local:
        await open_doors(state, listening)
        assert (await api.get("/api/v1/tokens")).status_code == 200
    else:
        with pytest.raises(ConfigurationError, match="there is no token yet"):
            await open_doors(state, listening)
    headers = await token("admin")
    await open_doors(state, listening)
    assert (await api.get("/api/v1/tokens")).status_code == 401
    assert (await api.get("/api/v1/tokens", headers=headers)).status_code == 200
    state.settings = Settings(_env_file=None, open_access=True)
    await open_doors(state, listening)
    assert (await api.get("/api/v1/tokens")).status_code == 200


async def test_admins_make_tokens_of_their_own_organisation(
    api: httpx2.AsyncClient, token: MakeToken, db: Database
) -> None:
    ours, theirs = await organisation(db), await organisation(db)
    admin = await token("admin", ours.id)
    body = {"name": "new", "scope": "run"}
    key = {"Idempotency-Key": "k"}
    made = await api.post("/api/v1/tokens", json=body, headers=admin | key)
    assert made.status_code == 200, made.text
    assert UUID(made.json()["org_id"]) == ours.id
    again = await api.post("/api/v1/tokens", json=body, headers=admin | key)
    assert again.json() == {**made.json(), "token": "[redacted]"}
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    assert (await api.get("/api/v1/tokens", headers=headers)).status_code == 403
    foreign = {**body, "org_id": str(theirs.id)}
    assert (await api.post("/api/v1/tokens", json=foreign, headers=admin)).status_code == 403
    seen = (await api.get("/api/v1/tokens", headers=admin)).json()["items"]
    assert {row["org_id"] for row in seen} == {str(ours.id)}
    for verb in ("rotate", "revoke"):
        path = f"/api/v1/tokens/{theirs.actor.token_id}/{verb}"
        assert (await api.post(path, headers=admin)).status_code == 404
    turned = await api.post(f"/api/v1/tokens/{made.json()['id']}/rotate", headers=admin)
    assert turned.json()["token"] != made.json()["token"]
    secrets = (made.json()["token"], turned.json()["token"])
    for table in ("api_tokens", "audit_log", "idempotency_keys"):
        kept = str(await db.fetch_all(f"SELECT * FROM {table}"))  # type: ignore[arg-type]
        assert not any(secret in kept for secret in secrets), table


async def test_changes_are_listed_for_whom_they_concern_and_go_in_time(
    api: httpx2.AsyncClient, token: MakeToken, db: Database
) -> None:
    ours = await organisation(db)
    admin = await token("admin", ours.id)
    for headers in (admin, await token("admin")):
        made = await api.post(
            "/api/v1/tokens", json={"name": "n", "scope": "admin"}, headers=headers
        )
        assert made.status_code == 200, made.text
    query = {"kind": "token", "limit": "1"}
    mine = (await api.get("/api/v1/audit", params=query, headers=admin)).json()
    assert [one["org_id"] for one in mine["items"]] == [str(ours.id)]
    assert mine["next_cursor"] is None
    first = (await api.get("/api/v1/audit", params=query)).json()
    second = (
        await api.get("/api/v1/audit", params={**query, "cursor": first["next_cursor"]})
    ).json()
    assert (first["items"][0]["org_id"], second["items"]) == (None, mine["items"])
    assert first["items"][0]["after"]["scope"] == "admin"
    await db.execute("UPDATE audit_log SET at = now() - interval '2 d' WHERE org_id IS NOT NULL")
    async with db.connection() as connection:
        assert [await store.prune_audit(connection, keep_s=86_400) for _ in range(2)] == [1, 0]
