"""`http_request`: all of its parameters, against a site on 127.0.0.1 that an operator opened."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest

from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.tools.http_request import HttpRequestTool
from oppspot_runner.tools.registry import ToolRegistry
from oppspot_runner.tools.sandbox import ToolSandbox
from tests.connectors.http.internet import Site, answer
from tests.tools.conftest import Trail


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = await Site().start()
    made.answers["/"] = answer(body=b"hello", Content_Type="text/plain", Set_Cookie="a=s3cr3t")
    yield made
    await made.stop()


@pytest.fixture
async def sandbox(site: Site, tools: ToolRegistry, trail: Trail) -> AsyncIterator[ToolSandbox]:
    policy = HttpPolicy(networks=(ip_network("127.0.0.1/32"),), ports=frozenset({site.port}))
    made = ToolSandbox(tools, http=policy, audit=trail)
    made.add_allowed_domain("127.0.0.1")
    yield made
    await made.aclose()


async def requested(sandbox: ToolSandbox, site: Site, **arguments: Any) -> dict[str, Any]:
    path = arguments.pop("path", "/")
    url = f"http://127.0.0.1:{site.port}{path}"
    return await sandbox.aexecute("http_request", {"url": url, **arguments})


async def test_the_printed_example(sandbox: ToolSandbox, site: Site) -> None:
    done = await requested(
        sandbox, site, method="GET", headers={"Authorization": "Bearer token"}, timeout=10
    )
    assert done["success"] is True
    result = done["result"]
    assert (result["status_code"], result["body"], result["redirects"]) == (200, "hello", 0)
    assert "s3cr3t" not in json.dumps(done)
    assert site.received[0].headers["authorization"] == "Bearer token"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_a_method(method: str, sandbox: ToolSandbox, site: Site) -> None:
    site.answers["/"] = answer()
    assert (await requested(sandbox, site, method=method))["success"] is True
    assert site.received[0].method == method


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ({"data": {"a": 1, "b": "x y"}}, b"a=1&b=x+y"),
        ({"data": "text"}, b"text"),
        ({"json": {"a": [1]}}, b'{"a":[1]}'),
    ],
    ids=str,
)
async def test_a_body(given: dict[str, Any], body: bytes, sandbox: ToolSandbox, site: Site) -> None:
    await requested(sandbox, site, method="POST", **given)
    assert site.received[0].body == body


async def test_parameters_are_added(sandbox: ToolSandbox, site: Site) -> None:
    await requested(sandbox, site, params={"q": "x", "page": 2})
    assert site.received[0].path == "/?q=x&page=2"


async def test_json_is_read_and_what_only_says_so_is_text(sandbox: ToolSandbox, site: Site) -> None:
    site.answers["/"] = answer(404, b'{"a": 1}', Content_Type="application/problem+json")
    found = (await requested(sandbox, site))["result"]
    assert (found["status_code"], found["body"]) == (404, {"a": 1})
    site.answers["/"] = answer(body=b"<html>", Content_Type="application/json")
    assert (await requested(sandbox, site))["result"]["body"] == "<html>"


async def test_redirects_are_followed_up_to_a_number_or_not_at_all(
    sandbox: ToolSandbox, site: Site
) -> None:
    site.answers["/1"] = answer(302, Location="/2")
    site.answers["/2"] = answer(302, Location="/")
    followed = await requested(sandbox, site, path="/1")
    assert (followed["result"]["redirects"], followed["result"]["body"]) == (2, "hello")
    assert (await requested(sandbox, site, path="/1", max_redirects=1))["code"] == (
        "TOO_MANY_REDIRECTS"
    )
    stayed = await requested(sandbox, site, path="/1", follow_redirects=False)
    assert stayed["result"]["status_code"] == 302


async def test_certificates_are_verified_unless_the_operator_gives_leave(
    sandbox: ToolSandbox, site: Site
) -> None:
    refused = await requested(sandbox, site, verify_ssl=False)
    assert refused["code"] == "UNVERIFIED_TLS_REFUSED"
    assert "OPPSPOT_UNVERIFIED_TLS" in refused["error"]
    assert site.received == []


async def test_nothing_is_called_that_was_not_allowed(
    tools: ToolRegistry, site: Site, sandbox: ToolSandbox
) -> None:
    url = f"http://127.0.0.1:{site.port}/"
    alone = await HttpRequestTool().aexecute({"url": url.replace(str(site.port), "80")})
    assert alone["code"] == "DOMAIN_NOT_ALLOWED"
    other = await sandbox.aexecute("http_request", {"url": url.replace("127.0.0.1", "localhost")})
    assert other["code"] == "DOMAIN_NOT_ALLOWED"
    assert site.received == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "HEADER_REFUSED"),
        ({"headers": {"Host": "other"}}, "HEADER_REFUSED"),
        ({"headers": {"X-A": "a\x00"}}, "TOOL_ARGUMENTS_INVALID"),
        ({"url": "http://u:s3cr3t@127.0.0.1/"}, "URL_CREDENTIALS"),
        ({"url": "http://127.0.0.1/\r\nX: 1"}, "URL_CONTROL_CHARACTERS"),
        ({"data": "a" * 1_100_000, "method": "POST"}, "REQUEST_TOO_LARGE"),
        ({"data": "a" * 2_100_000, "method": "POST"}, "TOOL_ARGUMENTS_INVALID"),
        ({"data": "a", "json": 1}, "TOOL_ARGUMENTS_INVALID"),
        ({"method": "TRACE"}, "TOOL_ARGUMENTS_INVALID"),
        ({"timeout": 0}, "TOOL_ARGUMENTS_INVALID"),
        ({"timeout": 301}, "TOOL_ARGUMENTS_INVALID"),
        ({"max_redirects": 21}, "TOOL_ARGUMENTS_INVALID"),
        ({"proxy": "http://127.0.0.1"}, "TOOL_ARGUMENTS_INVALID"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_bad_is_refused_coded_and_recorded(
    given: dict[str, Any], code: str, sandbox: ToolSandbox, site: Site, trail: Trail
) -> None:
    refused = await requested(sandbox, site, **given)
    assert (refused["success"], refused["code"]) == (False, code)
    assert "s3cr3t" not in json.dumps(refused)
    assert site.received == []
    (use,) = trail.uses
    assert (use.tool_name, use.code) == ("http_request", code)
    assert "s3cr3t" not in repr(use.arguments)


def test_its_schema_names_all_parameters_and_their_defaults() -> None:
    properties = HttpRequestTool().schema()["properties"]
    assert {name: one.get("default") for name, one in properties.items()} == {
        "method": "GET",
        "url": None,
        "headers": None,
        "params": None,
        "data": None,
        "json": None,
        "timeout": 30,
        "max_redirects": 5,
        "verify_ssl": True,
        "follow_redirects": True,
    }
