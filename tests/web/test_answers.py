"""What answers of a source mean to who asked: content, or one error of a few."""

from __future__ import annotations

import pickle

import pytest

from oppspot_runner.base.errors import (
    CallError,
    MalformedAnswerError,
    RateLimitExceededError,
    SourceError,
)
from oppspot_runner.base.web import Asked
from oppspot_runner.connectors.http.asking import SourceClient
from tests.connectors.http.internet import Site, Writer, answer
from tests.web.conftest import KEY, Turns, of_register

JSON = {"Content_Type": "application/json"}


async def failed(client: SourceClient, asked: Asked) -> tuple[CallError, int]:
    fetched = await client.fetch(asked)
    assert fetched.answer is None
    assert fetched.error is not None
    return fetched.error, sum(fetched.requests.values())


async def test_an_answer_is_what_the_source_said(client: SourceClient, site: Site) -> None:
    site.answers["/ch/company/1"] = answer(200, b'{"name": "Acme"}', **JSON)
    fetched = await client.fetch(of_register())
    assert fetched.requests == {"companies_house": 1}
    found = fetched.answer
    assert found is not None
    assert (found.status, found.found, found.json()) == (200, True, {"name": "Acme"})
    assert found.headers["content-type"] == "application/json"
    assert found.url == f"http://127.0.0.1:{site.port}/ch/company/1"
    (asked,) = site.received
    assert asked.headers["user-agent"].endswith("(+ops@example.com)")
    assert asked.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("status", [404, 410])
async def test_that_there_is_no_such_thing_is_an_answer(
    status: int, client: SourceClient, site: Site
) -> None:
    site.answers["/ch/company/1"] = answer(status, b"<html>")
    fetched = await client.fetch(of_register())
    assert fetched.answer is not None
    assert not fetched.answer.found


@pytest.mark.parametrize(
    ("status", "code", "retried", "tries"),
    [
        (400, "BAD_CALL", False, 1),
        (401, "ACCESS_DENIED", False, 1),
        (403, "ACCESS_DENIED", False, 1),
        (408, "SOURCE_DOWN", True, 3),
        (422, "BAD_CALL", False, 1),
        (429, "RATE_LIMIT_EXCEEDED", True, 1),
        (500, "SOURCE_DOWN", True, 3),
        (503, "SOURCE_DOWN", True, 3),
        (522, "SOURCE_DOWN", True, 3),
        (300, "MALFORMED_ANSWER", True, 2),
    ],
)
async def test_every_other_status_is_an_error_of_its_class(
    status: int, code: str, retried: bool, tries: int, client: SourceClient, site: Site
) -> None:
    site.answers["/ch/company/1"] = answer(status, b"because")
    error, made = await failed(client, of_register())
    assert (error.code, error.retried, made) == (code, retried, tries)
    assert len(site.received) == tries
    assert "companies_house" in str(error)
    assert "/company" not in str(error)
    if isinstance(error, SourceError):
        assert (error.source, error.status) == ("companies_house", status)


async def test_an_error_of_the_moment_is_tried_again_after_a_pause_of_any_length(
    client: SourceClient, site: Site, slept: list[float]
) -> None:
    said = [answer(500), answer(503, b"", Retry_After="2"), answer(200, b"{}")]

    async def in_turn(writer: Writer) -> None:
        writer.write(said.pop(0))

    site.answers["/ch/company/1"] = in_turn
    fetched = await client.fetch(of_register())
    assert fetched.answer is not None
    assert fetched.requests == {"companies_house": 3}
    assert len(slept) == 2
    assert 0 <= slept[0] <= 0.5
    assert 0 <= slept[1] <= 1


@pytest.mark.parametrize(
    "content", [b"<html>Down for maintenance</html>", b'{"name": "Ac', b"\xff\xfe", b"[" * 100_000]
)
async def test_what_is_no_json_is_asked_for_twice(
    content: bytes, client: SourceClient, site: Site
) -> None:
    site.answers["/ch/company/1"] = answer(200, content)
    error, made = await failed(client, of_register())
    assert (error.code, error.retried, made) == ("MALFORMED_ANSWER", True, 2)
    assert len(str(error)) < 400


async def test_an_answer_that_breaks_off_is_asked_for_twice(
    client: SourceClient, site: Site
) -> None:
    async def half(writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        writer.close()

    site.answers["/ch/company/1"] = half
    error, made = await failed(client, of_register())
    assert (error.code, made) == ("MALFORMED_ANSWER", 2)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "0"}, 1),
        ({"Retry_After": "999999999"}, 86_400),
        (
            {
                "Date": "Fri, 02 Jan 2026 10:00:00 GMT",
                "Retry_After": "Fri, 02 Jan 2026 10:01:30 GMT",
            },
            90,
        ),
        ({"X_Ratelimit_Reset": "128"}, 128),
        ({"Date": "Fri, 02 Jan 2026 10:00:00 GMT", "X_Ratelimit_Reset": "1767348060"}, 60),
        ({"Retry_After": "soon", "X_Ratelimit_Reset": "never"}, 33.4),
        ({"Retry_After": "Fri, 02 Jan 99999999999999 10:00:00 GMT"}, 33.4),
        ({"Retry_After": "9" * 400}, 86_400),
        ({"X_Ratelimit_Reset": "nan"}, 1),
        ({"X_Ratelimit_Reset": "-inf"}, 1),
        ({"X_Ratelimit_Reset": "1e999"}, 86_400),
        ({}, 33.4),
    ],
    ids=str,
)
async def test_who_is_asked_too_often_says_when_to_come_again(
    headers: dict[str, str], wait_s: float, client: SourceClient, site: Site, turns: Turns
) -> None:
    site.answers["/ch/company/1"] = answer(429, b"", **headers)
    error, made = await failed(client, of_register())
    assert isinstance(error, RateLimitExceededError)
    assert (error.retry_after_s, made) == (wait_s, 1)
    assert turns.held == [wait_s]  # all other calls with that key wait too


async def test_who_says_too_often_without_a_word_of_when_is_left_alone_for_a_while(
    client: SourceClient, site: Site
) -> None:
    site.answers["/hn/item/1.json"] = answer(429)
    error, _ = await failed(client, Asked("hacker_news", "item/1.json"))
    assert error.retry_after_s == 30


async def test_the_last_call_that_a_source_lets_us_make_is_followed_by_a_pause(
    client: SourceClient, site: Site, turns: Turns
) -> None:
    for number, left in enumerate(("X_Ratelimit_Remaining", "X_Ratelimit_Remain")):
        for count, held in (("1.0", []), ("0.0", [128])):
            said = {left: count, "X_Ratelimit_Reset": "128"}
            site.answers[f"/ch/{number}{count}"] = answer(200, b"{}", **said)
            assert (await client.fetch(of_register(f"{number}{count}"))).answer is not None
            assert turns.held == held
        turns.held.clear()


async def test_a_source_that_is_down_and_says_when_to_come_again_is_not_asked_before(
    client: SourceClient, site: Site
) -> None:
    site.answers["/ch/company/1"] = answer(503, b"", Retry_After="120")
    error, made = await failed(client, of_register())
    assert (error.code, error.retry_after_s, made) == ("SOURCE_DOWN", 120, 1)


async def test_a_short_wait_for_a_turn_is_waited_for(
    client: SourceClient, site: Site, turns: Turns, slept: list[float]
) -> None:
    site.answers["/ch/company/1"] = answer(200, b"{}")
    turns.waits = [0.5, 1.4]
    assert (await client.fetch(of_register())).answer is not None
    assert slept == [0.5, 1.4]
    turns.waits = [0.5, 1.4, 0.2]
    error, made = await failed(client, of_register("/company/2"))
    assert isinstance(error, RateLimitExceededError)
    assert (error.retry_after_s, made) == (0.2, 0)


async def test_a_long_wait_for_a_turn_is_an_error_with_its_time(
    client: SourceClient, site: Site, turns: Turns
) -> None:
    turns.waits = [12.0]
    error, made = await failed(client, of_register())
    assert (error.code, error.retry_after_s, made) == ("RATE_LIMIT_EXCEEDED", 12.0, 0)
    assert site.received == []


async def test_sources_with_one_key_share_their_turns(
    client: SourceClient, site: Site, turns: Turns
) -> None:
    site.answers["/ch/company/1"] = answer(200, b"{}")
    site.answers["/ch-doc/document/1"] = answer(200, b"<xhtml/>")
    await client.fetch(of_register())
    await client.fetch(Asked("companies_house_documents", "document/1"))
    (first, second) = turns.taken
    assert first == second
    assert first[0].startswith("companies_house:")
    assert KEY not in first[0]


async def test_the_key_goes_to_the_address_of_the_source_alone(
    client: SourceClient, site: Site
) -> None:
    site.answers["/ch/company/1"] = site.answers["/x"] = answer(200, b"{}")
    here = f"http://127.0.0.1:{site.port}"
    await client.fetch(of_register(f"{here}/ch/company/1"))
    await client.fetch(of_register(f"http://elsewhere.localhost:{site.port}/x"))
    assert ["authorization" in one.headers for one in site.received] == [True, False]


@pytest.mark.parametrize("path", ["../admin", "a/../../b", "a#b"])
async def test_what_is_no_path_is_not_asked_for(
    path: str, client: SourceClient, site: Site
) -> None:
    error, made = await failed(client, of_register(path))
    assert (error.code, made, site.received) == ("BAD_CALL", 0, [])


async def test_a_missing_key_is_named_and_nobody_is_asked(client: SourceClient, site: Site) -> None:
    error, made = await failed(client, Asked("reddit", "r/python/new"))
    assert (error.code, made, site.received) == ("SOURCE_NOT_CONFIGURED", 0, [])
    assert "OPPSPOT_REDDIT_CLIENT_ID" in str(error)


async def test_what_breaks_a_rule_of_ours_is_refused_with_the_code_of_the_rule(
    client: SourceClient, site: Site
) -> None:
    site.answers["/ch/company/1"] = answer(200, b" " * (2 * 1024 * 1024 + 1))
    site.answers["/ch/company/2"] = answer(302, b"", Location="/ch/company/2")
    site.answers["/ch/company/3"] = answer(302, b"", Location="http://169.254.169.254/latest")
    site.answers["/ch/company/4"] = answer(302, b"", Location="http://[::1]:80/")
    codes = [(await failed(client, of_register(f"/company/{n}")))[0] for n in (1, 2, 3, 4)]
    assert [(error.code, error.retried) for error in codes] == [
        ("RESPONSE_TOO_LARGE", False),
        ("TOO_MANY_REDIRECTS", False),
        ("ADDRESS_NOT_PUBLIC", False),
        ("ADDRESS_NOT_PUBLIC", False),
    ]


async def test_a_source_that_nobody_can_connect_to_is_down(
    client: SourceClient, site: Site
) -> None:
    await site.stop()
    error, made = await failed(client, of_register())
    assert (error.code, made) == ("SOURCE_DOWN", 3)


async def test_a_page_takes_turns_with_its_domain(
    client: SourceClient, site: Site, turns: Turns
) -> None:
    site.answers["/"] = answer(200, b"<h1>Acme</h1>", Content_Type="text/html; charset=latin-1")
    fetched = await client.fetch(Asked(None, f"http://acme.localhost:{site.port}/"))
    assert fetched.answer is not None
    assert fetched.answer.text == "<h1>Acme</h1>"
    assert fetched.requests == {"web": 2}
    assert [key for key, _ in turns.taken] == ["web:acme.localhost"] * 2  # robots.txt first


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        ("text/html; charset=latin-1", b"caf\xe9", "café"),
        ("text/html; charset=no-such", b"caf\xc3\xa9", "café"),
        ("text/html; charset=base64", b"caf\xc3\xa9", "café"),
        ("", b"caf\xe9", "caf\ufffd"),
    ],
)
async def test_content_is_text_whatever_its_encoding(
    kind: str, content: bytes, text: str, client: SourceClient, site: Site
) -> None:
    site.answers["/page"] = answer(200, content, Content_Type=kind)
    here = f"http://acme.localhost:{site.port}/page#part"
    found = (await client.fetch(Asked(None, here))).answer
    assert found is not None
    assert (found.text, found.url) == (text, here.removesuffix("#part"))
    with pytest.raises(MalformedAnswerError, match="web answered with what is no JSON: 'caf"):
        found.json()


async def test_errors_and_answers_cross_to_other_processes(
    client: SourceClient, site: Site
) -> None:
    site.answers["/ch/company/1"] = answer(500)
    fetched = pickle.loads(pickle.dumps(await client.fetch(of_register())))
    assert isinstance(fetched.error, SourceError)
    assert (fetched.error.status, fetched.error.source) == (500, "companies_house")
    site.answers["/ch/company/1"] = answer(200, b"{}")
    fetched = pickle.loads(pickle.dumps(await client.fetch(of_register())))
    assert fetched.answer.fetched_at.tzinfo is not None
