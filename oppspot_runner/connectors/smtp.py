"""Hands one mail to a mail server: to all of its recipients, or to none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as LINES
from email.utils import parseaddr
from importlib.util import find_spec
from typing import Literal

from pydantic import SecretStr

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.jsonsafe import clean_text
from oppspot_runner.base.secret import read_secret
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.tool_errors import CodedError

if find_spec("aiosmtplib") is None:
    raise ConfigurationError(
        "sending mail needs the package aiosmtplib",
        hint="Install it: pip install 'oppspot-runner[email]'.",
    )

import aiosmtplib

ANSWER_S = 15.0  # of the server, to each line
GOODBYE_S = 2.0  # the mail is delivered then
PASSING = range(400, 500)  # of all codes of answers, those of what may succeed later
MOST_SAID = 300


class MailError(CodedError):
    """A mail that was not delivered; `unsent` where that is sure."""

    def __init__(self, code: Code, message: str, *, unsent: bool = True) -> None:
        super().__init__(code, message)
        self.unsent = unsent


@dataclass(frozen=True)
class MailServer:
    """A mail server, and how it is spoken to."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: SecretStr | None = None

    async def deliver(self, sender: str, recipients: Sequence[str], mail: EmailMessage) -> None:
        """Hands over `mail`. Raises MailError.

        Where one recipient is refused nobody gets it. A server that takes the mail and then stays
        silent may have it: only then the error does not say that it is unsent.
        """
        content = mail.as_bytes(policy=LINES)
        async with self._connected() as line:
            with _told(self.host):
                await line.mail(sender)
                for recipient in recipients:
                    await line.rcpt(recipient)
            with _told(self.host, unsent=False):
                await line.data(content)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        line = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.tls == "tls",
            start_tls=self.tls == "starttls",
            timeout=ANSWER_S,
        )
        try:
            with _told(self.host):
                await line.connect()
                if self.user is not None:
                    password = self.password.get_secret_value() if self.password else ""
                    await line.login(self.user, password)
            yield line
            with suppress(aiosmtplib.SMTPException, OSError):
                await line.quit(timeout=GOODBYE_S)
        finally:
            line.close()


def configured_server(settings: Settings) -> tuple[MailServer, str]:
    """The mail server of the settings, and who mails are from. Raises ConfigurationError."""
    sender = settings.email_from or settings.smtp_user
    if settings.smtp_host is None or not sender or "@" not in parseaddr(sender)[1]:
        raise ConfigurationError(
            "there is no mail server, or no sender",
            hint="Set OPPSPOT_SMTP_HOST and OPPSPOT_EMAIL_FROM; OPPSPOT_SMTP_USER and"
            " OPPSPOT_SMTP_PASSWORD where it wants a login.",
        )
    password = settings.smtp_password
    if password is not None:
        text = read_secret(password.get_secret_value(), "the password of the mail server")
        password = SecretStr(text)
    host, port, tls = settings.smtp_host, settings.smtp_port, settings.smtp_tls
    return MailServer(host, port, tls, settings.smtp_user, password), sender


@contextmanager
def _told(host: str, *, unsent: bool = True) -> Iterator[None]:
    """Turns what the library raises into MailError, which names the host and what it answered."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        code = Code.SERVICE_UNAVAILABLE if error.code in PASSING else Code.SERVICE_REFUSED
        said = clean_text(error.message, most=MOST_SAID)
        raise MailError(code, f"{host} answered {error.code} {said}") from None
    except OSError as error:  # also the library's own errors of connections and timeouts
        raise MailError(
            Code.CONNECTION_FAILED,
            f"{host} cannot be reached, or broke off: {type(error).__name__}",
            unsent=unsent,
        ) from error
    except aiosmtplib.SMTPException as error:
        said = clean_text(str(error), most=MOST_SAID)
        raise MailError(Code.SERVICE_REFUSED, f"{host} does not do that: {said}") from None
