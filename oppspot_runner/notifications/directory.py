"""Rules of notifications as people keep them: added, paused, removed, and looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base.errors import ConfigurationError, ConflictError, NotFoundError
from oppspot_runner.base.jsonsafe import dumps
from oppspot_runner.base.redact import redact_url
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.notifications.rules import Channel

RULES = statement("notifications/rules")
ADD = statement("notifications/add")
REMOVE = statement("notifications/remove")
SET_ACTIVE = statement("notifications/set_active")
LIST = statement("notifications/list")
UNDELIVERED = statement("notifications/undelivered")

REFERENCE = re.compile(r"(env|file):.+")
ADDRESSES = re.compile(r"[^\s@:/]+@[^\s@:/]+(, ?[^\s@:/]+@[^\s@:/]+)*")
PLAIN_URL = re.compile(r"https?://[^/?#@]+([/?#].*)?")
SLACK_CHANNEL = re.compile(r"(?!xox)[^:/]+")
ELSEWHERE = (
    "Put it into an environment variable or a file of the runners, and say env:NAME or file:/path."
)

SIGNED = "Give --secret env:NAME, or file:/path, where the channel is a webhook, and only there."


@dataclass(frozen=True)
class NewRule:
    """A rule to be added. `secret` signs what a webhook gets. Durations are seconds."""

    name: str
    event: str
    channel: Channel
    target: str
    secret: str | None = None
    org_id: UUID | None = None
    filter: Mapping[str, Any] = field(default_factory=dict)
    wait_s: float = 10.0
    repeat_s: float = 3600.0

    def check(self) -> None:
        """Raises ConfigurationError for a target that means nothing, or a secret as it is."""
        self._check_target()
        if (self.channel == "webhook") != (self.secret is not None):
            signed = (
                "what a webhook gets is signed" if self.secret is None else "only webhooks sign"
            )
            raise ConfigurationError(signed, hint=SIGNED)
        if self.secret is not None and not REFERENCE.fullmatch(self.secret):
            raise ConfigurationError("a secret is not kept in the database", hint=ELSEWHERE)

    def _check_target(self) -> None:
        if self.channel == "email":
            if not ADDRESSES.fullmatch(self.target):
                raise ConfigurationError(
                    "the target of e-mail is no address",
                    hint="It looks like a@example.com, or a@example.com,b@example.com.",
                )
        elif not REFERENCE.fullmatch(self.target):
            self._check_open_target()

    def _check_open_target(self) -> None:
        match self.channel:
            case "webhook":
                fits = bool(PLAIN_URL.fullmatch(self.target))
                if not fits and not self.target.startswith(("http://", "https://")):
                    raise ConfigurationError("the target of a webhook is a URL", hint=ELSEWHERE)
                fits = fits and redact_url(self.target) == self.target
            case "slack":
                fits = bool(SLACK_CHANNEL.fullmatch(self.target))
            case _:
                fits = False
        if not fits:
            raise ConfigurationError(
                f"this target of {self.channel} holds a secret, which is not kept in the database",
                hint=ELSEWHERE,
            )


async def add_rule(database: Database, rule: NewRule) -> UUID:
    """Its id. Raises ConfigurationError for what `check` finds, ConflictError for a taken name."""
    rule.check()
    params = {**vars(rule), "filter": dumps(rule.filter)}
    row = await database.fetch_one(ADD, params)
    if row is None:
        raise ConflictError(
            f"there is a rule {rule.name!r} already",
            hint="Take another name, or remove that one: oppspot-runner notifications remove.",
        )
    added: UUID = row["id"]
    return added


async def rules(database: Database, name: str | None = None) -> list[DictRow]:
    """All rules, or the one of that name or id. Raises NotFoundError."""
    found = await database.fetch_all(RULES, {"name": name})
    if name is not None and not found:
        raise _unknown(name)
    return found


async def remove_rule(database: Database, name: str) -> None:
    """Removes a rule with what it has gathered. Raises NotFoundError."""
    if await database.fetch_one(REMOVE, {"name": name}) is None:
        raise _unknown(name)


async def set_active(database: Database, name: str, is_active: bool) -> None:
    """Pauses a rule, or lets it go on. Raises NotFoundError."""
    if await database.fetch_one(SET_ACTIVE, {"name": name, "is_active": is_active}) is None:
        raise _unknown(name)


async def messages(
    database: Database,
    *,
    rule_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 20,
) -> list[DictRow]:
    """Messages and how they fare, the newest first; `before` is the last one of the page before."""
    return await database.fetch_all(LIST, {"rule_id": rule_id, "before": before, "limit": limit})


async def undelivered(database: Database) -> list[DictRow]:
    """Messages that failed at least once and were not delivered, at most 100, oldest first."""
    return await database.fetch_all(UNDELIVERED)


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(
        f"there is no rule {name!r}", hint="See `oppspot-runner notifications rules`."
    )
