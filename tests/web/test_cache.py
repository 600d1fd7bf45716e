"""Answers that are kept: for how long, for whom, and what the source is asked about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from oppspot_runner.base.web import Answer, Asked, Fetched
from oppspot_runner.connectors.http.asking import SourceClient
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import answer_cache
from tests.connectors.http.internet import Site, Writer, answer
from tests.web.conftest import KEY, of_register

ETAG = {"Etag": '"v1"'}


def took(fetched: Fetched) -> Answer:
    assert fetched.error is None, fetched.error
    assert fetched.answer is not None
    return fetched.answer


async def older(db: Database, **by: float) -> None:
    """As if all answers had been fetched so much earlier."""
    await db.execute(
        "UPDATE http_cache SET fetched_at = fetched_at - %(by)s, expires_at = expires_at - %(by)s",
        {"by": timedelta(**by)},
    )


async def rows(db: Database) -> list[dict[str, Any]]:
    return await db.fetch_all("SELECT * FROM http_cache ORDER BY url, key")


async def test_a_fresh_answer_is_not_asked_for_again(
    client: SourceClient, site: Site, db: Database
) -> None:
    site.answers["/ch/company/1"] = answer(200, b'{"n": 1}', Content_Type="application/json")
    first = took(await client.fetch(of_register()))
    await older(db, days=6)
    fetched = await client.fetch(of_register())
    second = took(fetched)
    assert (first.cached, second.cached, fetched.requests) == (False, True, {})
    assert (second.json(), second.headers, second.url) == (first.json(), first.headers, first.url)
    assert first.fetched_at - second.fetched_at == timedelta(days=6)
    assert len(site.received) == 1


async def test_who_wants_a_fresher_one_gets_it(
    client: SourceClient, site: Site, db: Database
) -> None:
    site.answers["/ch/company/1"] = answer(200, b"{}")
    await client.fetch(of_register())
    await older(db, hours=2)
    asked = [
        Asked("companies_house", "/company/1", fresh_for=timedelta(hours=hours))
        for hours in (3, 1, 0)
    ]
    assert [took(await client.fetch(one)).cached for one in asked] == [True, False, False]


async def test_an_old_answer_is_asked_about_and_renewed(
    client: SourceClient, site: Site, db: Database
) -> None:
    site.answers["/ch/company/1"] = answer(200, b'{"n": 1}', **ETAG)
    first = took(await client.fetch(of_register()))
    await older(db, days=30)
    site.answers["/ch/company/1"] = answer(304)
    fetched = await client.fetch(of_register())
    renewed = took(fetched)
    assert fetched.requests == {"companies_house": 1}
    assert site.received[-1].headers["if-none-match"] == '"v1"'
    assert (renewed.status, renewed.json(), renewed.cached) == (200, {"n": 1}, True)
    assert renewed.fetched_at >= first.fetched_at
    assert (await client.fetch(of_register())).requests == {}


async def test_a_changed_answer_takes_the_place_of_the_old_one(
    client: SourceClient, site: Site, db: Database
) -> None:
    when = "Fri, 02 Jan 2026 10:00:00 GMT"
    site.answers["/ch/company/1"] = answer(200, b'{"n": 1}', Last_Modified=when)
    await client.fetch(of_register())
    await older(db, days=8)
    site.answers["/ch/company/1"] = answer(200, b'{"n": 2}')
    changed = took(await client.fetch(of_register()))
    assert site.received[-1].headers["if-modified-since"] == when
    assert (changed.json(), changed.cached) == ({"n": 2}, False)
    assert [(row["etag"], row["last_modified"]) for row in await rows(db)] == [(None, None)]


async def test_that_nothing_has_changed_though_nobody_asked_is_no_answer(
    client: SourceClient, site: Site
) -> None:
    site.answers["/ch/company/1"] = answer(304)
    error = (await client.fetch(of_register())).error
    assert error is not None
    assert error.code == "MALFORMED_ANSWER"


async def test_that_there_is_no_such_thing_is_remembered(
    client: SourceClient, site: Site, db: Database
) -> None:
    await client.fetch(of_register())
    await older(db, days=29)
    fetched = await client.fetch(of_register())
    assert (took(fetched).found, fetched.requests) == (False, {})
    await older(db, days=2)
    assert (await client.fetch(of_register())).requests == {"companies_house": 1}
    now = Asked("companies_house", "/company/1", fresh_for=timedelta(0))
    assert (await client.fetch(now)).requests == {"companies_house": 1}


async def test_what_was_refused_is_refused_for_a_while_without_a_call(
    client: SourceClient, site: Site, db: Database
) -> None:
    site.answers["/ch/company/1"] = answer(302, b"", Location="http://169.254.169.254/latest")
    for requests in ({"companies_house": 1}, {}):
        fetched = await client.fetch(of_register())
        assert fetched.error is not None
        assert (fetched.error.code, fetched.requests) == ("ADDRESS_NOT_PUBLIC", requests)
    site.answers["/ch/company/1"] = answer(200, b"{}")
    await older(db, hours=1)
    took(await client.fetch(of_register()))


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
async def test_errors_are_not_kept(
    status: int, client: SourceClient, site: Site, db: Database
) -> None:
    site.answers["/ch/company/1"] = answer(status)
    await client.fetch(of_register())
    assert await rows(db) == []


async def test_parameters_headers_and_sources_are_kept_apart(
    client: SourceClient, site: Site, db: Database
) -> None:
    async def echo(writer: Writer) -> None:
        writer.write(answer(200, b'"%d"' % len(site.received)))

    site.answers["/ch/a"] = site.answers["/ch-doc/a"] = echo
    asked = [
        Asked("companies_house", "a"),
        Asked("companies_house", "a", {"q": "x"}),
        Asked("companies_house", "a", {"q": "y"}),
        Asked("companies_house", "a", headers={"accept": "text/plain"}),
        Asked("companies_house_documents", "a"),
    ]
    for _ in range(2):
        said = [took(await client.fetch(one)).json() for one in asked]
        assert said == ["1", "2", "3", "4", "5"]
    assert len(await rows(db)) == 5


async def test_another_credential_sees_nothing_of_it(
    make_client: Any, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.answers["/ch/company/1"] = answer(200, b"{}")
    await make_client().fetch(of_register())
    assert (await make_client().fetch(of_register())).requests == {}
    monkeypatch.setenv("OPPSPOT_COMPANIES_HOUSE_API_KEY", "another-key")
    assert (await make_client().fetch(of_register())).requests == {"companies_house": 1}


async def test_what_is_never_fresh_is_kept_only_where_the_source_can_be_asked_about_it(
    client: SourceClient, site: Site, db: Database
) -> None:
    site.answers["/hn/item/1.json"] = answer(200, b"{}")
    site.answers["/hn/item/2.json"] = answer(200, b"{}", **ETAG)
    for number in (1, 2):
        await client.fetch(Asked("hacker_news", f"item/{number}.json"))
    (kept,) = await rows(db)
    assert kept["etag"] == '"v1"'
    site.answers["/hn/item/2.json"] = answer(304)
    assert took(await client.fetch(Asked("hacker_news", "item/2.json"))).json() == {}


@pytest.mark.parametrize("etag", ['"caf\xe9"', '"' + "x" * 9_000 + '"', ""])
async def test_what_cannot_be_sent_back_is_not_asked_with(
    etag: str, client: SourceClient, site: Site, db: Database
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nEtag: {etag}\r\n\r\n{{}}"
    site.answers["/ch/company/1"] = head.encode("latin-1")
    took(await client.fetch(of_register()))
    await older(db, days=6)
    now = Asked("companies_house", "/company/1", fresh_for=timedelta(0))
    assert took(await client.fetch(now)).cached is False
    assert "if-none-match" not in site.received[-1].headers


async def test_the_cache_is_bounded_in_bytes(
    client: SourceClient, site: Site, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_cache, "BOUND_EVERY", 1)
    cache = answer_cache.SharedAnswerCache(db, most_bytes=25_000)
    for n in range(5):
        kept = answer_cache.KeptAnswer(url=f"http://x/{n}", status=200, body=b"x" * 9_000)
        await cache.put(f"x:{n}", "x", kept, keep_s=100 + n)
    assert [row["key"] for row in await rows(db)] == ["x:3", "x:4"]
    await cache.put("x:over", "x", kept, keep_s=0)
    assert await cache.get("x:over") is None
    assert (await cache.clear("y"), await cache.clear("x"), await rows(db)) == (0, 2, [])


async def test_nothing_secret_is_kept(client: SourceClient, site: Site, db: Database) -> None:
    hidden = "hidden-value"
    site.answers["/ch-doc/document/1"] = answer(
        302, b"", Location=f"http://storage.localhost:{site.port}/file?X-Amz-Signature={hidden}&n=1"
    )
    site.answers["/file"] = answer(
        200,
        b"<xhtml/>",
        Set_Cookie=f"session={hidden}; Path=/",
        X_Csrf_Token=hidden,
        Server="nginx",
    )
    asked = Asked("companies_house_documents", "document/1", {"api_key": hidden})
    found = took(await client.fetch(asked))
    assert found.headers["set-cookie"] == "session="
    assert found.headers["server"] == "nginx"
    assert "n=1" in found.url
    assert hidden not in f"{found.headers} {found.url}"
    (kept,) = await rows(db)
    assert hidden not in repr(kept)
    assert KEY not in repr(kept)
    assert "authorization" not in site.received[-1].headers
