"""Redirects: what was meant for one host never reaches another, and methods follow RFC 9110."""

from __future__ import annotations

import pytest

from oppspot_runner.connectors.http.domains import AllowedDomains
from oppspot_runner.connectors.http.errors import HttpRefusedError
from oppspot_runner.connectors.http.outgoing import Outgoing
from tests.connectors.http.conftest import GOOD, OTHER
from tests.connectors.http.internet import Internet, Site, answer

SECRETS = {
    "Authorization": "Bearer s3cr3t",
    "X-Api-Key": "s3cr3t",
    "Cookie": "session=s3cr3t",
    "X-Of-Some-Service": "s3cr3t",
}
HARMLESS = {"Accept": "text/plain", "Accept-Language": "de", "User-Agent": "mine"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_credentials_do_not_cross_to_another_host(
    status: int, internet: Internet, good: Site, other: Site
) -> None:
    good.answers["/"] = answer(status, Location="http://other.example/x")
    other.answers["/x"] = answer(body=b"there")
    client = internet.client()
    response = await client.send(
        Outgoing("GET", "http://good.example/", headers={**SECRETS, **HARMLESS})
    )
    await client.aclose()
    (before,), (after,) = good.received, other.received
    assert {before.headers[name.lower()] for name in SECRETS} == set(SECRETS.values())
    assert "s3cr3t" not in repr(after)
    assert {name: after.headers[name.lower()] for name in HARMLESS} == HARMLESS
    assert after.headers["host"].startswith("other.example")
    assert (response.text, response.redirects) == ("there", 1)
    assert internet.dialled == [(GOOD, 80), (OTHER, 80)]


async def test_they_do_not_come_back_after_a_round_trip(
    internet: Internet, good: Site, other: Site
) -> None:
    good.answers["/"] = answer(302, Location="http://other.example/x")
    other.answers["/x"] = answer(302, Location="http://good.example/back")
    good.answers["/back"] = answer()
    client = internet.client()
    await client.send(Outgoing("GET", "http://good.example/", headers=SECRETS))
    await client.aclose()
    assert [request.path for request in good.received] == ["/", "/back"]
    assert "s3cr3t" not in repr(good.received[1])


@pytest.mark.parametrize(
    "location", ["http://good.example:8080/x", "https://good.example:8443/x"], ids=str
)
async def test_another_port_is_another_party(location: str, internet: Internet, good: Site) -> None:
    good.answers["/"] = answer(302, Location=location)
    good.answers["/x"] = answer()
    client = internet.client()
    if location.startswith("http:"):
        await client.send(Outgoing("GET", "http://good.example/", headers=SECRETS))
        assert "s3cr3t" not in repr(good.received[1])
    await client.aclose()


async def test_the_same_host_keeps_them(internet: Internet, good: Site) -> None:
    good.answers["/"] = answer(302, Location="next?q=1#part")
    good.answers["/next"] = answer(body=b"done")
    client = internet.client()
    response = await client.send(Outgoing("GET", "http://good.example/", headers=SECRETS))
    await client.aclose()
    assert response.url.endswith("/next?q=1#part")
    assert good.received[1].path == "/next?q=1"
    assert good.received[1].headers["x-api-key"] == "s3cr3t"
    assert internet.dialled == [(GOOD, 80)]


# method, status, then the method and whether the body follow
METHODS = [
    ("POST", 301, "GET", False),
    ("POST", 302, "GET", False),
    ("POST", 303, "GET", False),
    ("POST", 307, "POST", True),
    ("POST", 308, "POST", True),
    ("PUT", 301, "PUT", True),
    ("PUT", 302, "PUT", True),
    ("PUT", 303, "GET", False),
    ("PATCH", 307, "PATCH", True),
    ("DELETE", 303, "GET", False),
    ("HEAD", 303, "HEAD", False),
    ("GET", 308, "GET", False),
]


@pytest.mark.parametrize(("method", "status", "then", "keeps"), METHODS)
async def test_the_method_follows_the_standard(
    method: str, status: int, then: str, keeps: bool, internet: Internet, good: Site
) -> None:
    good.answers["/"] = answer(status, Location="/next")
    good.answers["/next"] = answer()
    client = internet.client()
    has_body = method not in ("GET", "HEAD")
    await client.send(Outgoing(method, "http://good.example/", json={"a": 1} if has_body else None))
    await client.aclose()
    last = good.received[-1]
    assert (last.path, last.method) == ("/next", then)
    assert (last.body == b'{"a":1}') is keeps
    assert ("content-type" in last.headers) is keeps


@pytest.mark.parametrize("status", [307, 308])
async def test_a_body_is_never_sent_to_another_host(
    status: int, internet: Internet, good: Site, other: Site
) -> None:
    good.answers["/"] = answer(status, Location="http://other.example/")
    client = internet.client()
    with pytest.raises(HttpRefusedError) as refused:
        await client.send(Outgoing("POST", "http://good.example/", data="s3cr3t"))
    await client.aclose()
    assert refused.value.code == "REDIRECT_WITH_BODY"
    assert "s3cr3t" not in refused.value.one_line()
    assert other.received == []
    assert internet.dialled == [(GOOD, 80)]


async def test_a_body_that_is_left_behind_lets_the_redirect_through(
    internet: Internet, good: Site, other: Site
) -> None:
    good.answers["/"] = answer(303, Location="http://other.example/")
    other.answers["/"] = answer(body=b"seen")
    client = internet.client()
    await client.send(Outgoing("POST", "http://good.example/", data={"key": "s3cr3t"}))
    await client.aclose()
    (last,) = other.received
    assert (last.method, last.body) == ("GET", b"")
    assert "content-type" not in last.headers


async def test_every_hop_is_held_against_the_allowed_domains(
    internet: Internet, good: Site, other: Site
) -> None:
    good.answers["/"] = answer(302, Location="//other.example/")
    client = internet.client(allowed=AllowedDomains("good.example"))
    with pytest.raises(HttpRefusedError) as refused:
        await client.send(Outgoing("GET", "http://good.example/"))
    await client.aclose()
    assert refused.value.code == "DOMAIN_NOT_ALLOWED"
    assert internet.dialled == [(GOOD, 80)]


async def test_a_loop_ends(internet: Internet, good: Site) -> None:
    good.answers["/"] = answer(302, Location="/")
    client = internet.client()
    with pytest.raises(HttpRefusedError) as refused:
        await client.send(Outgoing("GET", "http://good.example/", max_redirects=3))
    await client.aclose()
    assert refused.value.code == "TOO_MANY_REDIRECTS"
    assert len(good.received) == 4


async def test_a_redirect_is_an_answer_for_who_does_not_want_to_follow(
    internet: Internet, good: Site
) -> None:
    good.answers["/"] = answer(302, Location="http://127.0.0.1/")
    client = internet.client()
    response = await client.send(Outgoing("GET", "http://good.example/", follow_redirects=False))
    await client.aclose()
    assert (response.status, response.headers["location"]) == (302, "http://127.0.0.1/")


async def test_an_answer_in_the_three_hundreds_without_a_location_is_the_answer(
    internet: Internet, good: Site
) -> None:
    good.answers["/"] = answer(304)
    client = internet.client()
    response = await client.send(Outgoing("GET", "http://good.example/"))
    await client.aclose()
    assert (response.status, response.redirects) == (304, 0)
