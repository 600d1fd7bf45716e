"""Each channel against a server that speaks its protocol, and misbehaves."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP

from oppspot_runner.base.secret import HINTS
from oppspot_runner.base.settings import load_settings
from oppspot_runner.base.tool_errors import CodedError
from oppspot_runner.notifications.channels import Delivery, deliver, what_is_missing
from oppspot_runner.notifications.directory import undelivered
from tests.connectors.http.internet import Site, answer
from tests.connectors.http.test_client import PINNED
from tests.docs.pages import blocks_of
from tests.notifications.conftest import OPS, Bench, PostOffice, dead, mails, rule

ID = UUID("01990c3e-7b00-7000-8000-000000000001")
PAGE = "docs/guides/notifications.md"
SECRET = "a plain secret"


def told(channel: str, target: str, **changed: Any) -> Delivery:
    given = {"subject": "3 tasks failed", "text": "3 tasks failed.\nGrüße", "data": {"count": 3}}
    return Delivery(notification=ID, channel=channel, target=target, **{**given, **changed})


async def failure(message: Delivery) -> CodedError:
    with pytest.raises(CodedError) as raised:
        await deliver(message, load_settings())
    return raised.value


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """A server that runners may call, and whose hook is `env:HOOK`, signed with `env:SIGN`."""
    made = await Site().start()
    monkeypatch.setenv("OPPSPOT_REACHABLE_NETWORKS", "127.0.0.1/32")
    monkeypatch.setenv("OPPSPOT_REACHABLE_PORTS", str(made.port))
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{made.port}/hook/s3cr3t")
    monkeypatch.setenv("SIGN", SECRET)
    yield made
    await made.stop()


async def test_a_mail_says_what_it_is_and_keeps_its_id(mailing: PostOffice) -> None:
    for _ in range(2):
        await deliver(told("email", f"{OPS},b@example.com"), load_settings())
    first, again = mails(mailing)
    assert mailing.mails[0].rcpt_tos == [OPS, "b@example.com"]
    assert first["subject"] == "[oppspot] 3 tasks failed"
    assert first["message-id"] == again["message-id"] == f"<{ID}@oppspot.test>"
    assert first["auto-submitted"] == "auto-generated"
    assert first.get_content().splitlines() == ["3 tasks failed.", "Grüße"]


@pytest.mark.parametrize(
    ("answers", "code", "retried"),
    [
        ({OPS: "450 greylisted"}, "SERVICE_UNAVAILABLE", True),
        ({"DATA": "451 try later"}, "SERVICE_UNAVAILABLE", True),
        ({OPS: "550 no such user"}, "SERVICE_REFUSED", False),
        ({"DATA": "drop"}, "CONNECTION_FAILED", True),
    ],
    ids=str,
)
async def test_a_mail_server_that_does_not_want_to(
    answers: dict[str, str], code: str, retried: bool, mailing: PostOffice
) -> None:
    mailing.answers = answers
    error = await failure(told("email", OPS))
    assert (error.code, error.retried) == (code, retried)


async def test_a_mail_server_without_the_wanted_tls_or_at_all(
    mailing: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPSPOT_SMTP_TLS", "starttls")
    assert (await failure(told("email", OPS))).code == "SERVICE_REFUSED"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setenv("OPPSPOT_SMTP_PORT", str(closed.getsockname()[1]))
    assert (await failure(told("email", OPS))).code == "CONNECTION_FAILED"
    monkeypatch.delenv("OPPSPOT_SMTP_HOST")
    assert (await failure(told("email", OPS))).code == "SERVICE_NOT_CONFIGURED"
    assert mailing.mails == []


async def test_a_mail_server_whose_certificate_nobody_signed_gets_nothing(
    mailing: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(PINNED)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailing, loop=loop), "127.0.0.1", 0, ssl=tls)
    monkeypatch.setenv("OPPSPOT_SMTP_PORT", str(server.sockets[0].getsockname()[1]))
    monkeypatch.setenv("OPPSPOT_SMTP_TLS", "tls")
    assert (await failure(told("email", OPS))).code == "CONNECTION_FAILED"
    assert mailing.mails == []
    server.close()


async def test_a_webhook_gets_what_the_page_says_and_can_tell_who_sent_it(site: Site) -> None:
    site.answers["/hook/s3cr3t"] = answer(204)
    message = told("webhook", "env:HOOK", secret="env:SIGN")
    assert await deliver(message, load_settings()) == {"status": 204}
    (received,) = site.received
    assert json.loads(received.body) == {
        "subject": "3 tasks failed",
        "text": "3 tasks failed.\nGrüße",
        "count": 3,
    }
    assert received.headers["webhook-id"] == str(ID)
    page: dict[str, Any] = {}
    (block,) = blocks_of(PAGE, "python")
    exec(block.body, page)
    genuine, seen = page["is_genuine"], set[str]()
    headers, body = received.headers, received.body
    assert not genuine(headers, body + b" ", SECRET, seen)
    assert not genuine(headers, body, "another", seen)
    old = str(int(headers["webhook-timestamp"]) - 301)
    assert not genuine({**headers, "webhook-timestamp": old}, body, SECRET, seen)
    assert not genuine({**headers, "webhook-id": "another"}, body, SECRET, seen)
    assert genuine(headers, body, SECRET, seen)
    assert not genuine(headers, body, SECRET, seen)


@pytest.mark.parametrize(
    ("given", "code", "retried"),
    [
        (answer(500), "SERVICE_UNAVAILABLE", True),
        (answer(408), "SERVICE_UNAVAILABLE", True),
        (answer(429, Retry_After="7"), "RATE_LIMIT_EXCEEDED", True),
        (answer(404), "SERVICE_REFUSED", False),
        (answer(302, Location="http://127.0.0.1:1/"), "SERVICE_REFUSED", False),
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
async def test_a_webhook_that_does_not_take_it(
    given: bytes, code: str, retried: bool, site: Site
) -> None:
    site.answers["/hook/s3cr3t"] = given
    error = await failure(told("webhook", "env:HOOK", secret="env:SIGN"))
    assert (error.code, error.retried) == (code, retried)
    assert error.retry_after_s == (7 if "RATE" in code else None)
    assert "s3cr3t" not in error.one_line()


async def test_a_webhook_inside_is_reached_only_with_leave(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPPSPOT_REACHABLE_NETWORKS")
    error = await failure(told("webhook", "env:HOOK", secret="env:SIGN"))
    assert (error.retried, site.received) == (False, [])


async def test_slack_by_its_webhook_and_by_its_token(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.answers["/hook/s3cr3t"] = answer(body=b"ok")
    site.answers["/api/chat.postMessage"] = answer(body=b'{"ok": true, "channel": "C1", "ts": "1"}')
    monkeypatch.setenv("OPPSPOT_SLACK_API", f"http://127.0.0.1:{site.port}/api")
    await deliver(told("slack", "env:HOOK"), load_settings())
    assert (await failure(told("slack", "#ops"))).code == "SERVICE_NOT_CONFIGURED"
    monkeypatch.setenv("OPPSPOT_SLACK_TOKEN", "xoxb-1")
    answered = await deliver(told("slack", "#ops"), load_settings())
    assert answered == {"channel": "C1", "ts": "1"}
    sent = [json.loads(one.body) for one in site.received]
    assert [one.pop("client_msg_id") for one in sent] == [str(ID)] * 2
    text = "3 tasks failed.\nGrüße"
    assert sent == [{"text": text}, {"channel": "#ops", "text": text}]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # theirs
async def test_apprise_in_a_thread_and_without_its_urls(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("apprise", reason="the extra `notify` is not installed")
    site.answers["/notify"] = answer(200)
    monkeypatch.setenv("SERVICES", f"json://127.0.0.1:{site.port}/notify")
    await deliver(told("apprise", "env:SERVICES"), load_settings())
    (received,) = site.received
    assert json.loads(received.body)["title"] == "3 tasks failed"
    monkeypatch.setenv("SERVICES", f"json://127.0.0.1:{site.port}/s3cr3t nonsense://s3cr3t")
    unknown = await failure(told("apprise", "env:SERVICES"))
    assert (unknown.code, "number 2" in str(unknown)) == ("SERVICE_NOT_CONFIGURED", True)
    monkeypatch.setenv("SERVICES", f"json://127.0.0.1:{site.port}/s3cr3t")
    refused = await failure(told("apprise", "env:SERVICES"))
    assert (refused.code, "s3cr3t" in refused.one_line()) == ("SERVICE_UNAVAILABLE", False)


def test_what_a_channel_lacks_is_said(mailing: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    assert what_is_missing("email", OPS, None, load_settings()) is None
    monkeypatch.delenv("OPPSPOT_EMAIL_FROM")
    lack = what_is_missing("email", OPS, None, load_settings())
    assert lack is not None
    assert "Set OPPSPOT_SMTP_HOST and OPPSPOT_EMAIL_FROM" in lack
    absent = what_is_missing("webhook", "env:NO_HOOK", "env:NO_SIGN", load_settings())
    assert absent == f"the target of the rule is not in env:NO_HOOK. {HINTS['env']}"


@pytest.mark.slow
async def test_a_delivery_is_tried_again_and_ends_as_a_dead_letter(
    bench: Bench, mailing: PostOffice
) -> None:
    mailing.answers["DATA"] = "451 not now"
    await rule(bench.db)
    await dead(bench.db)

    async def given_up() -> bool:
        await bench.db.execute(  # as after its back-off, and with fewer retries
            "UPDATE agent_tasks SET scheduled_for = now(), max_retries = 2"
            " WHERE task_type = 'notification' AND status = 'pending' AND parked"
        )
        return bool(
            await bench.db.fetch_all(
                "SELECT FROM undelivered_notifications WHERE status = 'failed'"
            )
        )

    async with bench.running():
        await bench.until(given_up)
    (task,) = await bench.db.fetch_all(
        "SELECT id, retry_count, error_message FROM agent_tasks WHERE task_type = 'notification'"
    )
    assert (task["retry_count"], len(await bench.attempts(task["id"]))) == (2, 3)
    assert task["error_message"].startswith("SERVICE_UNAVAILABLE: 127.0.0.1 answered 451 not now")
    assert len({mail["message-id"] for mail in mails(mailing)}) == 1
    assert await bench.db.fetch_all("SELECT FROM notifications") == [{}]
    assert await bench.db.fetch_all("SELECT FROM notification_events") == []


@pytest.mark.slow
async def test_a_channel_that_asks_for_pauses_without_end_is_given_up(
    bench: Bench, site: Site
) -> None:
    """As often as one that fails; a pause is the longer of what it asks for and the back-off."""
    asked = {0: "60", 5: "60", 6: "99999", 8: "60"}  # by retries before
    before = iter(asked)
    pauses: list[int] = []

    def answered() -> int:
        count = next(before)
        site.answers["/hook/s3cr3t"] = answer(429, Retry_After=asked[count])
        return count

    async def given_up() -> bool:
        for one in await bench.db.fetch_all(
            "SELECT t.id, extract(epoch FROM t.scheduled_for - oppspot_now())::float AS pause_s"
            " FROM undelivered_notifications u JOIN agent_tasks t ON t.id = u.task_id"
            " WHERE t.parked AND t.status = 'pending' AND t.retry_count > 0"
            " AND t.scheduled_for > oppspot_now() + interval '9 s'"
        ):
            assert len(await undelivered(bench.db)) == 1
            pauses.append(round(one["pause_s"] / 10) * 10)
            await bench.db.execute(
                "UPDATE agent_tasks SET scheduled_for = now(), retry_count = %s WHERE id = %s",
                (answered(), one["id"]),
            )
        return [one["status"] for one in await undelivered(bench.db)] == ["failed"]

    assert answered() == 0
    await rule(bench.db, channel="webhook", target="env:HOOK", secret="env:SIGN")
    await dead(bench.db)
    async with bench.running():
        await bench.until(given_up)
    assert pauses == [60, 2430, 3600]
    (one,) = await undelivered(bench.db)
    assert one["error_message"] == "RATE_LIMIT_EXCEEDED: 127.0.0.1 answered 429"
