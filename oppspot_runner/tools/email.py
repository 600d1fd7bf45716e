"""`email`: sends a mail, as plain text, through the mail server of the settings."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.tool_errors import ToolExecutionError
from oppspot_runner.connectors.http.errors import HttpRefusedError
from oppspot_runner.connectors.http.target import checked_host
from oppspot_runner.tools.tool_base import ToolBase, ToolCall

if TYPE_CHECKING:
    from oppspot_runner.connectors.smtp import MailServer

MOST_RECIPIENTS = 50
MOST_SUBJECT = 500
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def _checked_address(address: str) -> str:
    local, _, host = address.strip().rpartition("@")
    if len(local) > 64 or not LOCAL_PART.fullmatch(local):
        raise ValueError("this is no address: it looks like name@example.com")
    try:
        return f"{local}@{checked_host(host)}"
    except HttpRefusedError as error:
        raise ValueError(str(error)) from None


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("this is one line, without control characters")
    return text


Address = Annotated[str, AfterValidator(_checked_address)]
Addresses = Annotated[
    list[Address],
    BeforeValidator(lambda given: [given] if isinstance(given, str) else given),
    Field(max_length=MOST_RECIPIENTS),
]


class Mail(BaseModel):
    """What to send. Addresses are plain: name@example.com."""

    model_config = ConfigDict(extra="forbid")

    to: Addresses = Field(min_length=1, description="One address, or a list.")
    cc: Addresses = Field(default_factory=list)
    subject: Annotated[str, AfterValidator(_one_line)] = Field(max_length=MOST_SUBJECT)
    body: str = Field(description="Plain text.")


class EmailTool(ToolBase):
    """Sends one mail to its recipients, or to none of them."""

    def __init__(self) -> None:
        super().__init__("email", "Sends an e-mail.", Mail, repeatable=False)

    async def run(self, arguments: Mail, call: ToolCall) -> dict[str, Any]:
        """`{"message_id", "recipients"}`, once the mail server has taken the mail."""
        recipients = [*arguments.to, *arguments.cc]
        self._check_domains(recipients, call)
        server, sender = self._configured(call.settings)
        mail = EmailMessage()
        mail["From"] = sender
        mail["To"] = ", ".join(arguments.to)
        if arguments.cc:
            mail["Cc"] = ", ".join(arguments.cc)
        mail["Subject"] = arguments.subject
        mail["Date"] = formatdate()
        address = parseaddr(sender)[1]
        host = address.rpartition("@")[2]
        mail["Message-ID"] = f"<{call.key}@{host}>" if call.key else make_msgid(domain=host)
        mail.set_content(arguments.body)
        await server.deliver(address, recipients, mail)
        return {"message_id": mail["Message-ID"], "recipients": recipients}

    def _check_domains(self, recipients: list[str], call: ToolCall) -> None:
        allowed = call.http.allowed
        for recipient in recipients if allowed else ():
            if not allowed.allow(recipient.rpartition("@")[2]):
                raise ToolExecutionError(
                    self.name,
                    Code.DOMAIN_NOT_ALLOWED,
                    f"{recipient} is not in one of the allowed domains",
                    hint="Allow its domain, if mails may be sent there.",
                )

    def _configured(self, settings: Settings) -> tuple[MailServer, str]:
        try:
            from oppspot_runner.connectors.smtp import configured_server

            return configured_server(settings)
        except ConfigurationError as error:
            raise ToolExecutionError(
                self.name, Code.SERVICE_NOT_CONFIGURED, str(error), hint=error.hint
            ) from None
