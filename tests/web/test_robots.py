"""Pages are read as their owners let us."""

from __future__ import annotations

import pytest

from oppspot_runner.base.web import Asked
from oppspot_runner.connectors.http.asking import SourceClient
from oppspot_runner.connectors.http.robots import leave_to_read
from oppspot_runner.db.pool import Database
from tests.connectors.http.internet import Site, answer
from tests.web.conftest import MakeClient, Turns
from tests.web.test_cache import older

PAGE = answer(200, b"<p>page</p>", Content_Type="text/html")
ROBOTS = b"User-agent: *\nDisallow: /private\n\nUser-agent: other\nDisallow: /\n"


def page(site: Site, path: str = "/") -> Asked:
    return Asked(None, f"http://acme.localhost:{site.port}{path}")


async def test_what_the_owner_keeps_to_himself_is_not_read(
    client: SourceClient, site: Site
) -> None:
    site.answers |= {"/robots.txt": answer(200, ROBOTS), "/": PAGE, "/private/x": PAGE}
    assert (await client.fetch(page(site))).answer is not None
    error = (await client.fetch(page(site, "/private/x"))).error
    assert error is not None
    assert (error.code, error.retried) == ("ACCESS_DENIED", False)
    assert "/private" not in str(error)
    assert [one.path for one in site.received] == ["/robots.txt", "/"]
    assert "robots.txt of acme.localhost" in str(error)


async def test_robots_are_asked_for_once_a_day(
    client: SourceClient, site: Site, db: Database
) -> None:
    site.answers |= {"/robots.txt": answer(200, ROBOTS), "/": PAGE, "/a": PAGE, "/b": PAGE}
    for path in ("/", "/a"):
        await client.fetch(page(site, path))
    await older(db, hours=25)
    await client.fetch(page(site, "/b"))
    asked = [one.path for one in site.received]
    assert asked == ["/robots.txt", "/", "/a", "/robots.txt", "/b"]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 418])
async def test_a_site_without_robots_is_read(status: int, client: SourceClient, site: Site) -> None:
    site.answers |= {"/robots.txt": answer(status, ROBOTS), "/private/x": PAGE, "/a": PAGE}
    for path in ("/private/x", "/a"):
        assert (await client.fetch(page(site, path))).answer is not None
    assert [one.path for one in site.received] == ["/robots.txt", "/private/x", "/a"]


async def test_robots_behind_endless_redirects_are_none(client: SourceClient, site: Site) -> None:
    site.answers |= {"/robots.txt": answer(302, b"", Location="/robots.txt"), "/": PAGE}
    fetched = await client.fetch(page(site))
    assert (fetched.error.code if fetched.error else None) is None


async def test_a_site_whose_robots_cannot_be_had_for_now_is_not_read_for_now(
    client: SourceClient, site: Site
) -> None:
    site.answers |= {"/robots.txt": answer(503), "/": PAGE}
    fetched = await client.fetch(page(site))
    assert fetched.error is not None
    assert (fetched.error.code, fetched.error.retried) == ("SOURCE_DOWN", True)
    assert {one.path for one in site.received} == {"/robots.txt"}


async def test_a_site_that_wants_to_be_read_slowly_is(
    client: SourceClient, site: Site, turns: Turns
) -> None:
    site.answers |= {"/robots.txt": answer(200, b"User-agent: *\nCrawl-delay: 7\n"), "/": PAGE}
    await client.fetch(page(site))
    assert [(limit.max_calls, limit.window_s) for _, limit in turns.taken] == [(1, 1.0), (1, 7.0)]


async def test_where_a_page_leads_its_owner_is_asked_too(
    make_client: MakeClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await Site().start()
    monkeypatch.setenv("OPPSPOT_REACHABLE_PORTS", f"{site.port},{other.port}")
    there = f"http://other.localhost:{other.port}"
    site.answers |= {
        "/open": answer(302, b"", Location=f"{there}/a"),
        "/closed": answer(302, b"", Location=f"{there}/private/a"),
    }
    other.answers |= {"/robots.txt": answer(200, ROBOTS), "/a": PAGE, "/private/a": PAGE}
    client = make_client()
    found = (await client.fetch(page(site, "/open"))).answer
    assert found is not None
    assert found.url == f"{there}/a"
    error = (await client.fetch(page(site, "/closed"))).error
    assert error is not None
    assert error.code == "ACCESS_DENIED"
    assert "robots.txt of other.localhost" in str(error)
    await other.stop()


@pytest.mark.parametrize(
    ("robots", "given", "delay_s"),
    [
        ("", True, 0.0),
        ("<html>not found</html>", True, 0.0),
        ("User-agent: oppspot-runner\nDisallow: /", False, 0.0),
        ("User-agent: *\nDisallow: /\nAllow: /a", True, 0.0),
        ("User-agent: *\nCrawl-delay: 999999", True, 60.0),
        ("User-agent: *\nCrawl-delay: -1", True, 0.0),
        ("User-agent: *\n" + "Disallow: /" + "*a" * 5_000 + "$", True, 0.0),
        ("\x00\ufeffUser-agent: *\x00\nDisallow: /\x00", True, 0.0),
    ],
)
async def test_what_robots_say(robots: str, given: bool, delay_s: float) -> None:
    leave = await leave_to_read("https://acme.example/a", robots)
    assert (leave.given, leave.delay_s) == (given, delay_s)
