"""`email`, against a server that speaks the real protocol and does not always want to."""

from __future__ import annotations

import asyncio
import email
from email.policy import default
from typing import Any

import pytest

from oppspot_runner.base.settings import Settings, load_settings
from oppspot_runner.connectors.http.client import GuardedClient
from oppspot_runner.connectors.http.domains import AllowedDomains
from oppspot_runner.tools.email import EmailTool
from oppspot_runner.tools.registry import ToolRegistry
from oppspot_runner.tools.sandbox import OfTask, ToolSandbox
from oppspot_runner.tools.tool_base import ToolCall
from tests.tools.post_office import PostOffice, office

__all__ = ["office"]

# As it is printed.
PRINTED = {
    "to": "user@example.com",
    "subject": "Test Email",
    "body": "This is a test email from the agent system.",
}


def settings(office: PostOffice, **more: Any) -> Settings:
    given = {"smtp_host": "127.0.0.1", "smtp_port": office.port, "smtp_tls": "none"}
    return load_settings(**{**given, "email_from": "Runner <runner@oppspot.test>", **more})


async def sent(office: PostOffice, *domains: str, **changed: Any) -> dict[str, Any]:
    more = {key: changed.pop(key) for key in [*changed] if key.startswith(("smtp", "email"))}
    call = ToolCall(
        GuardedClient(allowed=AllowedDomains(*domains)), settings=settings(office, **more)
    )
    answer: dict[str, Any] = await EmailTool().aexecute({**PRINTED, **changed}, call)
    return answer


async def test_the_printed_mail_arrives(office: PostOffice) -> None:
    done = await sent(office)
    assert done["success"] is True, done
    (envelope,) = office.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("runner@oppspot.test", ["user@example.com"])
    mail = email.message_from_bytes(envelope.content, policy=default)
    assert (mail["subject"], mail["to"]) == ("Test Email", "user@example.com")
    assert mail["from"] == "Runner <runner@oppspot.test>"
    assert mail["message-id"] == done["result"]["message_id"]
    assert mail.get_content().strip() == PRINTED["body"]


async def test_text_of_any_kind_arrives_as_it_is(office: PostOffice) -> None:
    body = "Grüße\n.\nFrom here\r\n" + "x" * 2_000
    done = await sent(office, body=body, subject="Zürich – 東京", cc=["b@example.com"])
    assert done["success"] is True, done
    mail = email.message_from_bytes(office.mails[0].content, policy=default)
    assert mail["subject"] == "Zürich – 東京"
    assert mail.get_content().splitlines() == body.splitlines()
    assert office.mails[0].rcpt_tos == ["user@example.com", "b@example.com"]


@pytest.mark.parametrize(
    "changed",
    [
        {"to": "a@example.com\r\nBcc: victim@example.com"},
        {"to": "a@example.com, b@example.com"},
        {"to": "Ann <a@example.com>"},
        {"to": '"a b"@example.com'},
        {"to": "a@[127.0.0.1]"},
        {"to": "nobody"},
        {"to": []},
        {"to": [f"a{n}@example.com" for n in range(51)]},
        {"subject": "Hello\nBcc: victim@example.com"},
        {"subject": "Hello\u2028Bcc: victim@example.com"},
        {"headers": {"Bcc": "victim@example.com"}},
    ],
    ids=str,
)
async def test_what_could_add_a_header_or_a_recipient_is_refused(
    changed: dict[str, Any], office: PostOffice
) -> None:
    answer = await sent(office, **changed)
    assert answer["code"] == "TOOL_ARGUMENTS_INVALID"
    assert office.mails == []


async def test_only_allowed_domains_get_mail_where_there_are_any(office: PostOffice) -> None:
    refused = await sent(office, "oppspot.test", to=["a@oppspot.test", "b@example.com"])
    assert refused["code"] == "DOMAIN_NOT_ALLOWED"
    assert office.mails == []
    assert (await sent(office, "oppspot.test", to="a@oppspot.test"))["success"] is True


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ({"b@example.com": "550 no such user"}, "SERVICE_REFUSED", "550 no such user"),
        ({"MAIL": "451 try later"}, "SERVICE_UNAVAILABLE", "451 try later"),
        ({"DATA": "554 this is spam"}, "SERVICE_REFUSED", "554 this is spam"),
        ({"DATA": "drop"}, "CONNECTION_FAILED", "broke off"),
    ],
    ids=str,
)
async def test_what_the_server_does_not_want_is_said_and_nobody_gets_it(
    answers: dict[str, str], code: str, said: str, office: PostOffice
) -> None:
    office.answers.update(answers)
    answer = await sent(office, to=["a@example.com", "b@example.com"])
    assert (answer["success"], answer["code"]) == (False, code)
    assert said in answer["error"]
    if "DATA" not in answers:
        assert office.mails == []


async def test_a_login_and_a_wrong_one(office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "s3cr3t")
    good = await sent(office, smtp_user="me", smtp_password="env:MAIL_PASSWORD")
    bad = await sent(office, smtp_user="me", smtp_password="wr0ng")
    assert set(office.logins) == {"me:s3cr3t", "me:wr0ng"}
    assert good["success"] is True
    assert bad["code"] == "SERVICE_REFUSED"
    assert "wr0ng" not in bad["error"]


async def test_a_server_without_tls_gets_nothing_where_it_is_wanted(office: PostOffice) -> None:
    answer = await sent(office, smtp_tls="starttls")
    assert answer["code"] == "SERVICE_REFUSED"
    assert office.mails == []


async def test_nobody_there(office: PostOffice) -> None:
    answer = await sent(office, smtp_port=1)
    assert answer["code"] == "CONNECTION_FAILED"


async def test_the_printed_code_works_with_settings(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPSPOT_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("OPPSPOT_SMTP_PORT", str(office.port))
    monkeypatch.setenv("OPPSPOT_SMTP_TLS", "none")
    monkeypatch.setenv("OPPSPOT_EMAIL_FROM", "runner@oppspot.test")
    answer = await asyncio.to_thread(EmailTool().execute, PRINTED)
    assert answer["result"]["recipients"] == ["user@example.com"]
    assert len(office.mails) == 1


def test_without_settings_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPPSPOT_SMTP_HOST", "OPPSPOT_EMAIL_FROM"):
        monkeypatch.delenv(name, raising=False)
    answer = EmailTool().execute(PRINTED)
    assert answer["code"] == "SERVICE_NOT_CONFIGURED"
    assert "OPPSPOT_SMTP_HOST" in answer["error"]


async def test_the_key_of_the_call_is_the_id_of_the_mail(office: PostOffice) -> None:
    sandbox = ToolSandbox(ToolRegistry([EmailTool()]), settings=settings(office))
    done = await sandbox.call("email", PRINTED, of_task=OfTask(key="k-1"))
    await sandbox.aclose()
    assert done["message_id"] == "<k-1@oppspot.test>"
