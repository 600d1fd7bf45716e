"""`notifications`: rules are kept, secrets are not, and a test says what happened."""

from __future__ import annotations

import socket
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.cli.conftest import CommandLine, Rows

MAIL = ("--on", "task_dead", "--email", "ops@example.com")


class Sink:
    """Takes every mail."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.contents.append(envelope.content)
        return "250 OK"


@pytest.fixture
def mail_settings(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port of this machine, where the settings look for the mail server."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    monkeypatch.setenv("OPPSPOT_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("OPPSPOT_SMTP_PORT", str(port))
    monkeypatch.setenv("OPPSPOT_SMTP_TLS", "none")
    monkeypatch.setenv("OPPSPOT_EMAIL_FROM", "runner@oppspot.test")
    return port


def findings(cli: CommandLine) -> list[Any]:
    found = cli("doctor", "--json").json["findings"]
    return [one for one in found if one["check"] == "notifications"]


def test_a_rule_is_added_shown_paused_and_removed(cli: CommandLine, mail_settings: int) -> None:
    added = cli("notifications", "add", "ops", *MAIL, "--agent", "Digest", "--wait", "60")
    assert added.out == (
        "The rule ops tells ops@example.com by email when a task failed for good."
        " Try it: oppspot-runner notifications test ops\n"
    )
    (rule,) = cli.json("notifications", "rules")
    assert (rule["filter"], rule["wait_s"], rule["repeat_s"]) == ({"agent": "Digest"}, 60, 3600)
    text = " ".join(cli("notifications", "rules").out.split())
    assert "ops task_dead agent Digest email ops@example.com 60 s 60 min 0 0 active" in text
    assert findings(cli)[0]["text"] == "1 rule(s) can tell people"
    again = cli("notifications", "add", "ops", *MAIL)
    assert (again.code, "there is a rule" in again.err) == (1, True)
    cli("notifications", "pause", "ops")
    assert cli.json("notifications", "rules")[0]["is_active"] is False
    cli("notifications", "resume", str(rule["id"]))
    assert cli.json("notifications", "rules")[0]["is_active"] is True
    cli("notifications", "remove", "ops")
    assert cli.json("notifications", "rules") == []
    gone = cli("notifications", "test", "ops")
    assert (gone.code, "there is no rule 'ops'" in gone.err) == (1, True)


def test_the_stream_of_a_rule_is_one_that_exists(cli: CommandLine) -> None:
    stream_id = cli.json("streams", "create", "Fintech")["id"]
    missing = cli("notifications", "add", "hot", *MAIL, "--stream", "Fintec")
    assert (missing.code, cli.json("notifications", "rules")) == (1, [])
    assert "there is no stream 'Fintec'" in missing.err
    assert "oppspot-runner streams list" in missing.err
    for name, stream in (("by name", "Fintech"), ("by id", stream_id), ("by start", stream_id[:8])):
        cli("notifications", "add", name, *MAIL, "--stream", stream)
    kept = [one["filter"] for one in cli.json("notifications", "rules")]
    assert kept == [{"stream": stream_id}] * 3


PLAIN = [
    ("--webhook", "https://a.example/hook", "--secret", "hunter22"),
    ("--webhook", "https://u:hunter22@a.example/hook", "--secret", "env:S"),
    ("--webhook", "https://a.example/hook?token=hunter22", "--secret", "env:S"),
    ("--slack", "https://hooks.slack.example/services/hunter22"),
    ("--slack", "xoxb-hunter22"),
    ("--apprise", "mailto://u:hunter22@a.example"),
]


@pytest.mark.parametrize("given", PLAIN, ids=lambda given: " ".join(given)[:40])
def test_a_secret_is_refused_as_it_is(given: tuple[str, ...], cli: CommandLine) -> None:
    refused = cli("notifications", "add", "ops", "--on", "task_dead", *given)
    assert (refused.code, cli.json("notifications", "rules")) == (1, [])
    assert "not kept in the database" in refused.err
    assert "env:NAME or file:/path" in refused.err
    assert "hunter22" not in refused.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--email", "ops"), "no address"),
        (("--webhook", "a.example", "--secret", "env:S"), "a webhook is a URL"),
        (("--webhook", "https://a.example/"), "signed"),
        (("--email", "a@b.example", "--secret", "env:S"), "only webhooks sign"),
        ((), "give one of --email, --slack, --webhook and --apprise"),
        (("--email", "a@b.example", "--slack", "#a"), "give one of"),
    ],
    ids=str,
)
def test_a_rule_that_could_tell_nobody_is_refused(
    given: tuple[str, ...], said: str, cli: CommandLine
) -> None:
    refused = cli("notifications", "add", "ops", "--on", "task_dead", *given)
    assert refused.code in (1, 2)
    assert said in refused.err


COLUMNS: list[dict[str, str]] = [
    {"channel": "apprise", "target": "mailto://u:p@a.example"},
    {"channel": "slack", "target": "https://hooks.slack.example/x"},
    {"channel": "slack", "target": "xoxb-1"},
    {"channel": "webhook", "target": "https://u:p@a.example/", "secret": "env:S"},
    {"channel": "webhook", "target": "https://a.example/", "secret": "plain"},
    {"channel": "webhook", "target": "https://a.example/"},
    {"channel": "email", "target": "nobody"},
    {"channel": "pigeon", "target": "a@b.example"},
    {"event": "sunset"},
    {"filter": '{"colour": "red"}'},
    {"wait_s": "-1"},
]


@pytest.mark.parametrize("changed", COLUMNS, ids=str)
def test_sql_refuses_the_same(changed: dict[str, str], rows: Rows) -> None:
    good = {"name": "a", "event": "task_dead", "channel": "email", "target": "a@b.example"}
    given = {**good, **changed}
    names, marks = ", ".join(given), ", ".join(["%s"] * len(given))
    with pytest.raises(psycopg.errors.CheckViolation):
        rows(f"INSERT INTO notification_rules ({names}) VALUES ({marks})", *given.values())  # type: ignore[arg-type]


def test_a_test_sends_one_and_says_what_happened(cli: CommandLine, mail_settings: int) -> None:
    cli("notifications", "add", "ops", *MAIL)
    away = cli("notifications", "test", "ops")
    assert (away.code, "127.0.0.1 cannot be reached" in away.err) == (1, True)
    sink = Sink()
    server = Controller(sink, hostname="127.0.0.1", port=mail_settings)
    server.start()
    try:
        sent = cli("notifications", "test", "ops")
    finally:
        server.stop()
    assert (sent.code, sent.out) == (0, "email took the message for ops@example.com.\n")
    (content,) = sink.contents
    assert b"This is a test: nothing happened." in content


def test_what_was_not_delivered_is_told(cli: CommandLine, rows: Rows) -> None:
    cli(
        "notifications",
        "add",
        "hook",
        "--on",
        "task_dead",
        "--webhook",
        "env:H",
        "--secret",
        "env:S",
    )
    assert "is not in env:H" in findings(cli)[0]["text"]
    (task,) = rows(
        "INSERT INTO agent_tasks (task_type, status, error_message, finished_at)"
        " VALUES ('notification', 'failed', 'SERVICE_REFUSED: no', now()) RETURNING id"
    )
    rows(
        "INSERT INTO notifications (rule_id, count, examples, shares, first_at, last_at, due_at,"
        " task_id) SELECT id, 7, '[]', '{}', now(), now(), now(), %s FROM notification_rules",
        task["id"],
    )
    (one,) = cli.json("notifications", "list", "--rule", "hook")
    assert (one["state"], one["count"], one["error"]) == ("failed", 7, "SERVICE_REFUSED: no")
    assert "failed" in cli("notifications", "list").out
    (told,) = cli("status", "--json").json["undelivered"]
    assert (told["rule"], told["count"]) == ("hook", 7)
    assert "1 notification(s), last by webhook: SERVICE_REFUSED: no" in cli("status").out
    texts = [one["text"] for one in findings(cli)]
    assert any("7 event(s) of the rule hook was not delivered, and is given up" in t for t in texts)


def test_a_delivery_needs_no_slot_and_holds_none(cli: CommandLine, rows: Rows) -> None:
    runner = rows.runner()
    query = "INSERT INTO agent_tasks (task_type) VALUES ('notification') RETURNING id"
    waiting, sent = (str(rows(query)[0]["id"]) for _ in range(2))
    rows.begin(sent, runner)
    told = cli("tasks", "explain", waiting).out
    assert "it needs no slot" in told
    assert "no agent" not in told
    assert cli("status", "--json").json["runners"][0]["running"] == 0
