"""Hands one message to its channel.

It may be delivered twice, where a channel took it and its answer was lost. So each channel is told
the notification's id, which stays the same: as Message-ID, client_msg_id, or webhook-id.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.secret import read_secret
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.tool_errors import CodedError
from oppspot_runner.notifications.rules import Channel
from oppspot_runner.tools.threads import in_thread

if TYPE_CHECKING:
    from oppspot_runner.connectors.http.client import GuardedClient

LIMIT_S = 60.0  # for all of a delivery
CONNECTORS = {"email": "smtp", "slack": "slack", "webhook": "webhook", "apprise": "apprise"}


class Delivery(BaseModel):
    """A message and where it goes: the payload of its task. Secrets are only named in it."""

    model_config = ConfigDict(extra="forbid")

    notification: UUID
    channel: Channel
    target: str
    secret: str | None = None
    subject: str
    text: str
    data: dict[str, Any] = Field(default_factory=dict)


async def deliver(message: Delivery, settings: Settings) -> dict[str, Any]:
    """What the channel told of the message that it took. Raises CodedError."""
    try:
        await in_thread(lambda: load_channel(message.channel))  # it can take a second
        target = read_secret(message.target, "the target of the rule")
        match message.channel:
            case "email":
                return await _mail(message, target, settings)
            case "slack":
                return await _post(message, target, settings)
            case "webhook":
                return await _call(message, target, settings)
            case "apprise":
                return await _by_apprise(message, target)
    except ConfigurationError as error:
        raise CodedError(Code.SERVICE_NOT_CONFIGURED, str(error), hint=error.hint) from None


def load_channel(channel: Channel) -> None:
    """Loads what the channel needs. Raises ConfigurationError that names the extra it lacks."""
    import_module(f"oppspot_runner.connectors.{CONNECTORS[channel]}")


def what_is_missing(
    channel: Channel, target: str, secret: str | None, settings: Settings
) -> str | None:
    """Why a rule with that channel could deliver nothing from here, and what to do. None: ready."""
    try:
        load_channel(channel)
        place = read_secret(target, "the target of the rule")
        if channel == "email":
            from oppspot_runner.connectors.smtp import configured_server

            configured_server(settings)
        if channel == "slack" and "://" not in place:
            _slack_token(settings)
        if secret is not None:
            read_secret(secret, "the secret of the webhook")
    except ConfigurationError as error:
        return error.one_line()
    return None


async def _mail(message: Delivery, target: str, settings: Settings) -> dict[str, Any]:
    from oppspot_runner.connectors.smtp import configured_server

    server, sender = configured_server(settings)
    recipients = [one.strip() for one in target.split(",")]
    address = parseaddr(sender)[1]
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = f"[oppspot] {message.subject}"
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message.notification}@{address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    await server.deliver(address, recipients, mail)
    return {"message_id": mail["Message-ID"], "recipients": recipients}


async def _post(message: Delivery, target: str, settings: Settings) -> dict[str, Any]:
    from oppspot_runner.connectors import slack

    posted = {"text": message.text[: slack.MOST_TEXT], "client_msg_id": str(message.notification)}
    http = _client(settings)
    try:
        if "://" in target:
            await slack.post_by_webhook(http, target, posted)
            return {"channel": None, "ts": None}
        token = _slack_token(settings)
        return await slack.post(http, settings.slack_api, token, {"channel": target, **posted})
    finally:
        await http.aclose()


def _slack_token(settings: Settings) -> str:
    if settings.slack_token is None:
        raise ConfigurationError("there is no token of Slack", hint="Set OPPSPOT_SLACK_TOKEN.")
    return read_secret(settings.slack_token.get_secret_value(), "the token of Slack")


async def _call(message: Delivery, target: str, settings: Settings) -> dict[str, Any]:
    from oppspot_runner.connectors import webhook

    secret = read_secret(message.secret or "", "the secret of the webhook")
    told = {"subject": message.subject, "text": message.text, **message.data}
    http = _client(settings)
    try:
        status = await webhook.call(http, target, secret, str(message.notification), told)
    finally:
        await http.aclose()
    return {"status": status}


async def _by_apprise(message: Delivery, target: str) -> dict[str, Any]:
    from oppspot_runner.connectors.apprise import send

    await in_thread(lambda: send(target, message.subject, message.text))
    return {"delivered": True}


def _client(settings: Settings) -> GuardedClient:
    from oppspot_runner.connectors.http.client import GuardedClient
    from oppspot_runner.connectors.http.policy import HttpPolicy

    return GuardedClient(HttpPolicy.of(settings))
