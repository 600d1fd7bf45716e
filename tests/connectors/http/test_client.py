"""The guarded client: what it sends, what it takes, how it says no, and what it never says."""

from __future__ import annotations

import asyncio
import gzip
import logging
import ssl
import zlib
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.connectors.http.client import GuardedClient
from oppspot_runner.connectors.http.dialing import system_resolver
from oppspot_runner.connectors.http.domains import AllowedDomains
from oppspot_runner.connectors.http.errors import HttpError, HttpFailedError, HttpRefusedError
from oppspot_runner.connectors.http.outgoing import METHODS, Outgoing
from oppspot_runner.connectors.http.policy import HttpLimits, HttpPolicy
from tests.connectors.http.conftest import GOOD, OTHER
from tests.connectors.http.internet import Internet, Site, Writer, answer

URL = "http://good.example/"
PINNED = Path(__file__).with_name("pinned.pem")  # of pinned.example, signed by itself
MIB = 1024 * 1024


async def refusal(client: GuardedClient, outgoing: Outgoing) -> HttpError:
    with pytest.raises(HttpError) as raised:
        await client.send(outgoing)
    await client.aclose()
    return raised.value


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_is_sent(method: str, internet: Internet, good: Site) -> None:
    good.answers["/"] = answer(body=b"" if method == "HEAD" else b"ok")
    client = internet.client()
    response = await client.send(Outgoing(method, URL))
    await client.aclose()
    assert (response.status, good.received[0].method) == (200, method)


# what is given, then the path, the type and the bytes that arrive
SENT: list[tuple[dict[str, Any], str, str | None, bytes]] = [
    ({"params": {"q": "a b&c", "n": 1}}, "/?q=a%20b%26c&n=1", None, b""),
    ({"params": {"x": ["1", "2"]}}, "/?x=1&x=2", None, b""),
    ({"data": {"a": "1 2"}}, "/", "application/x-www-form-urlencoded", b"a=1+2"),
    ({"data": "plain ü"}, "/", None, "plain ü".encode()),
    ({"json": {"a": [1, None]}}, "/", "application/json", b'{"a":[1,null]}'),
    ({"json": 0}, "/", "application/json", b"0"),
]


@pytest.mark.parametrize(("given", "path", "kind", "body"), SENT, ids=str)
async def test_parameters_and_bodies_arrive_as_they_were_given(
    given: dict[str, Any], path: str, kind: str | None, body: bytes, internet: Internet, good: Site
) -> None:
    good.answers["/"] = answer()
    client = internet.client()
    await client.send(Outgoing("POST", URL, **given))
    await client.aclose()
    (request,) = good.received
    assert (request.path.replace("+", "%20"), request.body) == (path, body)
    assert request.headers.get("content-type") == kind


async def test_parameters_are_added_to_those_of_the_url(internet: Internet, good: Site) -> None:
    good.answers["/"] = answer()
    client = internet.client()
    await client.send(Outgoing("GET", URL + "?a=1", params={"b": "2"}))
    await client.aclose()
    assert good.received[0].path == "/?a=1&b=2"


async def test_an_answer_of_any_status_is_an_answer(internet: Internet, good: Site) -> None:
    good.answers["/"] = answer(503, b'{"a": 1}', Content_Type="application/json", Retry_After="3")
    client = internet.client()
    response = await client.send(Outgoing("GET", URL))
    await client.aclose()
    assert (response.status, response.json(), response.headers["retry-after"]) == (
        503,
        {"a": 1},
        "3",
    )


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        ("text/plain; charset=latin-1", b"\xfc", "ü"),
        ("text/plain; charset=no-such", "ü".encode(), "ü"),
        ("text/plain; charset=base64", b"abc", "abc"),
        ("text/plain", b"\xff", "\ufffd"),
    ],
)
async def test_text_is_read_in_whatever_encoding(
    kind: str, content: bytes, text: str, internet: Internet, good: Site
) -> None:
    good.answers["/"] = answer(body=content, Content_Type=kind)
    client = internet.client()
    response = await client.send(Outgoing("GET", URL))
    await client.aclose()
    assert response.text == text


async def test_a_connection_is_used_again_and_nothing_is_remembered_of_the_last_call(
    internet: Internet, good: Site
) -> None:
    good.answers["/"] = answer(Set_Cookie="session=1")
    client = internet.client()
    for _ in range(3):
        await client.send(Outgoing("GET", URL))
    await client.aclose()
    assert internet.dialled == [(GOOD, 80)]
    assert [request.headers.get("cookie") for request in good.received] == [None] * 3


def test_after_it_was_closed_it_works_in_another_loop(internet: Internet) -> None:
    async def once() -> int:
        good = await Site().start()
        good.answers["/"] = answer()
        internet.put("good.example", GOOD, good)
        client_response = await client.send(Outgoing("GET", URL))
        await client.aclose()
        await good.stop()
        return client_response.status

    client = internet.client()
    assert (asyncio.run(once()), asyncio.run(once())) == (200, 200)


# -- what is refused before anything is sent

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"headers": {"X-A": "1\r\nX-Api-Key: 2"}}, "HEADER_REFUSED"),
    ({"headers": {"X-A": "1\nb"}}, "HEADER_REFUSED"),
    ({"headers": {"X-A": "\x00"}}, "HEADER_REFUSED"),
    ({"headers": {"X-A": " x"}}, "HEADER_REFUSED"),
    ({"headers": {"X-A": "ü"}}, "HEADER_REFUSED"),
    ({"headers": {"X-A": "a" * 10_000}}, "HEADER_REFUSED"),
    ({"headers": {"X A": "1"}}, "HEADER_REFUSED"),
    ({"headers": {"X-A\r\nX-B": "1"}}, "HEADER_REFUSED"),
    ({"headers": {"": "1"}}, "HEADER_REFUSED"),
    ({"headers": {"Host": "127.0.0.1"}}, "HEADER_REFUSED"),
    ({"headers": {"content-LENGTH": "5"}}, "HEADER_REFUSED"),
    ({"headers": {"Transfer-Encoding": "chunked"}}, "HEADER_REFUSED"),
    ({"headers": {"Connection": "close"}}, "HEADER_REFUSED"),
    ({"headers": {f"X-{n}": "1" for n in range(101)}}, "HEADER_REFUSED"),
    ({"method": "CONNECT"}, "REQUEST_MALFORMED"),
    ({"method": "GET / HTTP/1.1\r\nX: "}, "REQUEST_MALFORMED"),
    ({"data": "a", "json": 1}, "REQUEST_MALFORMED"),
    ({"json": float("nan")}, "REQUEST_MALFORMED"),
    ({"json": {1}}, "REQUEST_MALFORMED"),
    ({"data": "\ud800"}, "REQUEST_MALFORMED"),
    ({"data": "a" * (MIB + 1)}, "REQUEST_TOO_LARGE"),
    ({"verify_tls": False}, "UNVERIFIED_TLS_REFUSED"),
    ({"params": {"a": "b" * 2_100}}, "URL_MALFORMED"),
]


@pytest.mark.parametrize(
    ("given", "code"),
    REFUSED,
    ids=lambda value: str(value)[:40].encode("ascii", "replace").decode(),
)
async def test_what_cannot_be_sent_is_refused_and_nothing_is_dialled(
    given: dict[str, Any], code: str, internet: Internet
) -> None:
    error = await refusal(internet.client(), Outgoing(**{"method": "POST", "url": URL, **given}))
    assert (error.code, type(error)) == (code, HttpRefusedError)
    assert internet.dialled == internet.asked == []


# -- what comes back


async def test_a_large_answer_is_refused_by_what_it_says_of_itself_or_by_what_comes(
    internet: Internet, good: Site
) -> None:
    good.answers["/"] = answer(body=b"a" * (2 * MIB))
    client = internet.client()
    assert len((await client.send(Outgoing("GET", URL))).content) == 2 * MIB
    good.answers["/"] = answer(body=b"a" * (2 * MIB + 1))
    assert (await refusal(client, Outgoing("GET", URL))).code == "RESPONSE_TOO_LARGE"


@pytest.mark.slow
@pytest.mark.parametrize("packing", ["gzip", "deflate", "gzip, gzip"])
async def test_a_bomb_is_stopped_when_it_is_as_large_as_the_limit(
    packing: str, internet: Internet, good: Site
) -> None:
    bomb = (
        zlib.compress(bytes(200 * MIB))
        if packing == "deflate"
        else gzip.compress(bytes(200 * MIB), 1)
    )
    if packing == "gzip, gzip":
        bomb = gzip.compress(bomb)
    assert len(bomb) < MIB
    good.answers["/"] = answer(body=bomb, Content_Encoding=packing)
    error = await refusal(internet.client(), Outgoing("GET", URL))
    assert error.code == "RESPONSE_TOO_LARGE"


async def test_packed_nothing_without_end_is_stopped_too(internet: Internet, good: Site) -> None:
    packer = zlib.compressobj()
    start = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    nothing = b"\x00\x00\x00\xff\xff" * 100_000  # empty blocks: they unpack to no bytes at all

    async def without_end(writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + start)
        while not writer.is_closing():
            writer.write(nothing)
            await writer.drain()

    good.answers["/"] = without_end
    error = await refusal(internet.client(), Outgoing("GET", URL))
    assert error.code == "RESPONSE_TOO_LARGE"


async def test_a_slow_drip_is_cut_off_by_the_time_for_all_of_it(
    internet: Internet, good: Site
) -> None:
    dripped = 0

    async def drip(writer: Writer) -> None:
        nonlocal dripped
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b".")
            dripped += 1
            await writer.drain()
            await asyncio.sleep(0.01)

    good.answers["/"] = drip
    # Each byte comes well within the time to wait for one: only the time for all can end it.
    error = await refusal(internet.client(), Outgoing("GET", URL, timeout_s=0.3))
    assert (error.code, error.retried) == ("HTTP_TIMEOUT", True)
    assert 1 < dripped < 1_000


async def test_the_time_is_for_all_redirects_together(internet: Internet, good: Site) -> None:
    async def slowly(writer: Writer) -> None:
        await asyncio.sleep(0.05)
        writer.write(answer(302, Location="/"))

    good.answers["/"] = slowly
    error = await refusal(internet.client(), Outgoing("GET", URL, timeout_s=0.4, max_redirects=20))
    assert error.code == "HTTP_TIMEOUT"


async def test_a_host_that_says_nothing_is_given_up(internet: Internet, good: Site) -> None:
    async def nothing(writer: Writer) -> None:
        await asyncio.Event().wait()

    good.answers["/"] = nothing
    policy = HttpPolicy(limits=replace(HttpLimits(), read_s=0.1))
    error = await refusal(internet.client(policy), Outgoing("GET", URL))
    assert (error.code, str(error)) == ("HTTP_TIMEOUT", "good.example did not answer in time")


BROKEN = {
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc": "RESPONSE_BROKEN",
    b"SSH-2.0-OpenSSH_9.2\r\n\r\n": "RESPONSE_BROKEN",
    b"": "RESPONSE_BROKEN",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip": "RESPONSE_BROKEN",
    b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000: "RESPONSE_BROKEN",
}


@pytest.mark.parametrize("sent", BROKEN, ids=lambda sent: repr(sent[:30]))
async def test_a_broken_answer_has_its_code(sent: bytes, internet: Internet, good: Site) -> None:
    async def break_off(writer: Writer) -> None:
        writer.write(sent)
        await writer.drain()
        writer.close()

    good.answers["/"] = break_off
    error = await refusal(internet.client(), Outgoing("GET", URL))
    assert (error.code, type(error), error.retried) == (BROKEN[sent], HttpFailedError, True)


async def test_a_name_without_addresses_and_a_host_that_is_down_are_told_apart(
    internet: Internet,
) -> None:
    nameless = await refusal(internet.client(), Outgoing("GET", "http://nowhere.example/"))
    assert nameless.code == "NAME_NOT_RESOLVED"
    internet.names["down.example"] = [["93.184.215.99", "93.184.215.98"]]
    down = await refusal(internet.client(), Outgoing("GET", "http://down.example/"))
    assert down.code == "CONNECTION_FAILED"
    assert internet.dialled == [("93.184.215.99", 80), ("93.184.215.98", 80)]


async def test_of_several_addresses_the_next_is_tried(internet: Internet, good: Site) -> None:
    internet.names["two.example"] = [["93.184.215.99", GOOD]]
    good.answers["/"] = answer(body=b"second")
    client = internet.client()
    response = await client.send(Outgoing("GET", "http://two.example/"))
    await client.aclose()
    assert response.text == "second"


# -- certificates


@pytest.fixture
async def pinned(internet: Internet) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PINNED)
    site = await Site().start(context)
    site.answers["/"] = answer(body=b"by TLS")
    internet.put("pinned.example", OTHER, site)
    internet.put("wrong.example", OTHER, site)
    yield site
    await site.stop()


async def test_the_certificate_is_that_of_the_name_although_an_address_is_dialled(
    internet: Internet, pinned: Site
) -> None:
    client = internet.client(tls=ssl.create_default_context(cafile=PINNED))
    response = await client.send(Outgoing("GET", "https://pinned.example/"))
    assert (response.text, internet.dialled) == ("by TLS", [(OTHER, 443)])
    wrong = await refusal(client, Outgoing("GET", "https://wrong.example/"))
    assert (wrong.code, wrong.retried) == ("TLS_FAILED", False)
    assert "wrong.example" in str(wrong)


async def test_a_certificate_that_nobody_signed_is_taken_only_with_leave(
    internet: Internet, pinned: Site
) -> None:
    blind = Outgoing("GET", "https://pinned.example/", verify_tls=False)
    strict = await refusal(internet.client(), replace(blind, verify_tls=True))
    assert strict.code == "TLS_FAILED"
    assert (await refusal(internet.client(), blind)).code == "UNVERIFIED_TLS_REFUSED"
    client = internet.client(HttpPolicy(unverified_tls=True))
    assert (await client.send(blind)).text == "by TLS"
    # What was agreed without a look at the certificate is not used for who wants one.
    assert (await refusal(client, replace(blind, verify_tls=True))).code == "TLS_FAILED"


# -- what an operator opens


async def test_a_network_that_the_operator_opened_is_reached_and_no_other(good: Site) -> None:
    good.answers["/"] = answer(body=b"inside")
    here = f"http://127.0.0.1:{good.port}/"
    ports = frozenset({good.port})
    opened = HttpPolicy(networks=(ip_network("127.0.0.1/32"),), ports=ports)
    client = GuardedClient(opened)
    assert (await client.send(Outgoing("GET", here))).text == "inside"
    for url in (
        here.replace("127.0.0.1", "127.0.0.2"),
        here.replace("127.0.0.1", "[::ffff:127.0.0.1]"),
    ):
        assert (await refusal(client, Outgoing("GET", url))).code == "ADDRESS_NOT_PUBLIC"
    closed = await refusal(GuardedClient(HttpPolicy(ports=ports)), Outgoing("GET", here))
    assert closed.code == "ADDRESS_NOT_PUBLIC"
    assert len(good.received) == 1


async def test_the_machine_resolves_names_by_itself() -> None:
    assert set(await system_resolver("localhost", 80)) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("host", ["localhost", "acme.localhost", "a.b.localhost"])
async def test_names_below_localhost_are_this_machine_and_nobody_is_asked_for_them(
    host: str, internet: Internet, good: Site
) -> None:
    good.answers["/"] = answer(body=b"here")
    internet.sites["127.0.0.1"] = good
    client = internet.client()
    assert (await refusal(client, Outgoing("GET", f"http://{host}/"))).code == "ADDRESS_NOT_PUBLIC"
    let_in = internet.client(HttpPolicy(networks=(ip_network("127.0.0.0/8"),)))
    assert (await let_in.send(Outgoing("GET", f"http://{host}/"))).text == "here"
    await let_in.aclose()
    assert internet.asked == []


async def test_only_allowed_domains_are_called(internet: Internet, good: Site) -> None:
    good.answers["/"] = answer()
    allowed = AllowedDomains()
    client = internet.client(allowed=allowed)
    nobody = await refusal(client, Outgoing("GET", URL))
    assert (nobody.code, internet.asked) == ("DOMAIN_NOT_ALLOWED", [])
    allowed.add("good.example")
    assert (await client.send(Outgoing("GET", "http://GOOD.example/"))).status == 200
    assert (await refusal(client, Outgoing("GET", "http://other.example/"))).code == nobody.code


@pytest.mark.parametrize(
    ("domains", "host", "allowed"),
    [
        (["api.example.com"], "api.example.com", True),
        (["API.example.com"], "api.example.com", True),
        (["api.example.com"], "x.api.example.com", False),
        (["api.example.com"], "evilapi.example.com", False),
        (["api.example.com"], "api.example.com.evil.example", False),
        (["*.example.com"], "a.example.com", True),
        (["*.example.com"], "a.b.example.com", True),
        (["*.example.com"], "example.com", False),
        (["*.example.com"], "evilexample.com", False),
        (["bücher.example"], "xn--bcher-kva.example", True),
        (["192.0.2.1"], "192.0.2.1", True),
        (["*"], "anything.example", True),
        ([], "anything.example", False),
    ],
)
def test_domains_are_exact_below_or_every(domains: list[str], host: str, allowed: bool) -> None:
    assert AllowedDomains(*domains).allow(host) is allowed


@pytest.mark.parametrize(
    "domain", ["", "https://a.example", "a.example/x", "*", "a.*.example", "user@a.example"]
)
def test_what_is_no_domain_is_refused(domain: str) -> None:
    if domain != "*":
        with pytest.raises(HttpRefusedError):
            AllowedDomains(domain)


# -- secrets


async def test_no_secret_reaches_an_error_or_a_log_line(
    internet: Internet, good: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good.answers["/hook/s3cr3t"] = answer(
        302, Location="http://other.example/s3cr3t?key=s3cr3t", Set_Cookie="a=s3cr3t"
    )
    outgoing = Outgoing(
        "POST",
        "http://good.example/hook/s3cr3t?token=s3cr3t",
        headers={"X-Api-Key": "s3cr3t"},
        data={"password": "s3cr3t"},
    )
    client = internet.client()
    await client.send(outgoing)
    errors = [
        await refusal(client, replace(outgoing, max_redirects=0)),
        await refusal(client, replace(outgoing, url="http://u:s3cr3t@good.example/")),
        await refusal(client, replace(outgoing, url="http://nowhere.example/s3cr3t")),
        await refusal(client, replace(outgoing, url="http://10.0.0.1/s3cr3t")),
        await refusal(client, replace(outgoing, url="http://good.example:99/s3cr3t")),
        await refusal(client, replace(outgoing, headers={"X-Api-Key": "s3cr3t\n"})),
        await refusal(client, replace(outgoing, url="http://good.example/s3cr3t\\")),
    ]
    assert not [error for error in errors if "s3cr3t" in error.one_line()]
    assert "s3cr3t" not in caplog.text
