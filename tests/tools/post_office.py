"""A mail server that speaks the real protocol, and misbehaves when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class PostOffice:
    """Takes mails, unless it is told what to answer to a command; to DATA also `drop` or `hang`."""

    mails: list[Envelope] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    logins: list[str] = field(default_factory=list)
    port: int = 0
    hangs: asyncio.Event = field(default_factory=asyncio.Event)  # set when a sender waits
    freed: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get(address, "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        if self.answers.get("DATA") == "drop":
            assert server.transport is not None
            server.transport.close()
        if self.answers.get("DATA") == "hang":
            self.hangs.set()
            await self.freed.wait()
            return "250 OK"
        return self.answers.get("DATA", "250 OK")

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(f"{data.login.decode()}:{data.password.decode()}")
        return AuthResult(success=data.password == b"s3cr3t", handled=False)


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    made = PostOffice()

    def speak() -> SMTP:
        return SMTP(
            made,
            hostname="mail.test",
            authenticator=made.authenticate,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(speak, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    made.freed.set()
    server.close()
