"""`slack`, against a site that answers as Slack does, and as it should not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest

from oppspot_runner.base.settings import Settings, load_settings
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.tools.registry import ToolRegistry
from oppspot_runner.tools.sandbox import OfTask, ToolSandbox
from oppspot_runner.tools.slack import SlackTool
from tests.connectors.http.internet import Site, answer

# As it is printed.
PRINTED = {
    "channel": "#general",
    "text": "Hello from the agent system!",
    "thread_ts": "timestamp",
}
POSTED = answer(body=b'{"ok": true, "channel": "C1", "ts": "17.5"}')


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = await Site().start()
    made.answers["/api/chat.postMessage"] = POSTED
    yield made
    await made.stop()


def settings(site: Site, **given: Any) -> Settings:
    return load_settings(slack_api=f"http://127.0.0.1:{site.port}/api/", **given)


async def posted(site: Site, of_task: OfTask | None = None, **given: Any) -> dict[str, Any]:
    policy = HttpPolicy(networks=(ip_network("127.0.0.1/32"),), ports=frozenset({site.port}))
    told = settings(site, **(given or {"slack_token": "xoxb-s3cr3t"}))
    sandbox = ToolSandbox(ToolRegistry([SlackTool()]), http=policy, settings=told)
    try:
        if of_task is not None:
            return {"result": await sandbox.call("slack", PRINTED, of_task=of_task)}
        return await sandbox.aexecute("slack", PRINTED)
    finally:
        await sandbox.aclose()


async def test_the_printed_message_is_posted(site: Site) -> None:
    done = await posted(site, OfTask(key="k-1"))
    assert done["result"] == {"channel": "C1", "ts": "17.5"}
    (received,) = site.received
    assert received.method == "POST"
    assert received.headers["authorization"] == "Bearer xoxb-s3cr3t"
    assert json.loads(received.body) == {**PRINTED, "client_msg_id": "k-1"}


async def test_by_a_webhook(site: Site) -> None:
    site.answers["/hook/s3cr3t"] = answer(body=b"ok")
    done = await posted(site, slack_webhook_url=f"http://127.0.0.1:{site.port}/hook/s3cr3t")
    assert done["success"] is True
    site.answers["/hook/s3cr3t"] = answer(404, body=b"no_service")
    gone = await posted(site, slack_webhook_url=f"http://127.0.0.1:{site.port}/hook/s3cr3t")
    assert (gone["code"], "no_service" in gone["error"]) == ("SERVICE_REFUSED", True)
    assert "s3cr3t" not in gone["error"]


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (answer(body=b'{"ok": false, "error": "channel_not_found"}'), "SERVICE_REFUSED", "channel"),
        (answer(429, Retry_After="7"), "RATE_LIMIT_EXCEEDED", "7.0 s"),
        (answer(503), "SERVICE_UNAVAILABLE", "503"),
        (answer(302, Location="http://127.0.0.1:1/"), "RESPONSE_BROKEN", "302"),
        (answer(body=b"<html>"), "RESPONSE_BROKEN", "without JSON"),
    ],
    ids=str,
)
async def test_what_slack_does_not_do_is_said_without_the_token(
    given: bytes, code: str, said: str, site: Site
) -> None:
    site.answers["/api/chat.postMessage"] = given
    told = await posted(site)
    assert (told["success"], told["code"]) == (False, code)
    assert said in told["error"]
    assert "s3cr3t" not in told["error"]
    assert len(site.received) == 1


async def test_the_printed_code_works_with_settings(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPSPOT_SLACK_TOKEN", "xoxb-s3cr3t")
    monkeypatch.setenv("OPPSPOT_SLACK_API", f"http://127.0.0.1:{site.port}/api")
    monkeypatch.setenv("OPPSPOT_REACHABLE_NETWORKS", "127.0.0.1/32")
    monkeypatch.setenv("OPPSPOT_REACHABLE_PORTS", str(site.port))
    answer = await asyncio.to_thread(SlackTool().execute, PRINTED)
    assert answer["result"] == {"channel": "C1", "ts": "17.5"}


def test_without_settings_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPPSPOT_SLACK_TOKEN", "OPPSPOT_SLACK_WEBHOOK_URL"):
        monkeypatch.delenv(name, raising=False)
    told = SlackTool().execute(PRINTED)
    assert told["code"] == "SERVICE_NOT_CONFIGURED"
    assert "OPPSPOT_SLACK_TOKEN" in told["error"]
