"""Runners that can deliver, and a mail server to which they do."""

from __future__ import annotations

import email
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.agents.registry import Registry
from oppspot_runner.db.pool import Database
from oppspot_runner.notifications import delivery
from oppspot_runner.notifications.directory import NewRule, add_rule
from tests.runner.conftest import Bench, bench
from tests.tools.post_office import PostOffice, office

__all__ = ["Bench", "PostOffice", "bench", "office"]

OPS = "ops@example.com"


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    made.register(delivery.notification)
    return made


@pytest.fixture
def mailing(office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> PostOffice:
    """The post office, as the mail server of the settings."""
    monkeypatch.setenv("OPPSPOT_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("OPPSPOT_SMTP_PORT", str(office.port))
    monkeypatch.setenv("OPPSPOT_SMTP_TLS", "none")
    monkeypatch.setenv("OPPSPOT_EMAIL_FROM", "Runner <runner@oppspot.test>")
    return office


async def rule(db: Database, event: str = "task_dead", **changed: Any) -> UUID:
    """A rule by e-mail that sends at once, unless it is changed."""
    given = {"name": event, "channel": "email", "target": OPS, "wait_s": 0, "repeat_s": 0}
    return await add_rule(db, NewRule(event=event, **{**given, **changed}))


async def dead(db: Database, count: int = 1, error: str = "it broke") -> None:
    """Tasks that failed for good, each by a transition as a runner writes it."""
    await db.execute(
        "INSERT INTO agent_tasks (task_type, scheduled_for)"
        " SELECT 'doomed', '2100-01-01' FROM generate_series(1, %s)",
        (count,),
    )
    await db.execute(
        "UPDATE agent_tasks SET status = 'failed', error_message = %s, finished_at = now()"
        " WHERE task_type = 'doomed' AND status = 'pending'",
        (error,),
    )


def mails(office: PostOffice) -> list[EmailMessage]:
    """What the post office has taken."""
    read: Callable[..., Any] = email.message_from_bytes
    return [read(one.content, policy=default) for one in office.mails]
