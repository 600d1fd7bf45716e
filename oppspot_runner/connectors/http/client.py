"""The guarded client: checks where a request goes, follows redirects itself, bounds the answer."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2

from oppspot_runner.base.codes import Code
from oppspot_runner.connectors.http import redirects
from oppspot_runner.connectors.http.dialing import GuardedBackend, Resolver, system_resolver
from oppspot_runner.connectors.http.domains import EVERY, AllowedDomains
from oppspot_runner.connectors.http.errors import (
    HttpFailedError,
    HttpRefusedError,
    HttpUnreachedError,
)
from oppspot_runner.connectors.http.outgoing import Outgoing
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.connectors.http.target import Target
from oppspot_runner.connectors.http.transport import (
    GuardedTransport,
    certificates,
    told_as_ours,
    too_large,
)


@dataclass(frozen=True)
class HttpResponse:
    """A whole answer. `url` is what answered at last, `redirects` how often it was another."""

    status: int
    headers: httpx2.Headers
    content: bytes
    url: str
    redirects: int
    encoding: str

    @property
    def text(self) -> str:
        """The content as text; what is not in its encoding is shown as a question mark."""
        try:
            return self.content.decode(self.encoding, "replace")
        except (LookupError, UnicodeError):  # no such encoding, or one that is not for text
            return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The content read as JSON. Raises ValueError where it is none."""
        return json.loads(self.content)


class GuardedClient:
    """Calls other services, within `policy` and `allowed` domains (None: every public host).

    For one event loop at a time; after `aclose` it can be used again, also in another one. `tls`
    are the certificates to trust, by default those of the machine. `resolver` and `network` are
    what names are asked of and connections are opened with.
    """

    def __init__(
        self,
        policy: HttpPolicy | None = None,
        allowed: AllowedDomains | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        resolver: Resolver = system_resolver,
        network: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self.policy = policy or HttpPolicy()
        self.allowed = AllowedDomains(EVERY) if allowed is None else allowed
        self._tls = tls
        self._backend = GuardedBackend(self.policy, resolver, network or httpcore2.AnyIOBackend())
        self._transports: dict[bool, GuardedTransport] = {}

    async def send(self, outgoing: Outgoing) -> HttpResponse:
        """The answer to `outgoing`, whatever its status.

        Raises HttpRefusedError for what breaks a rule, in the request, on the way or in the
        answer, and HttpFailedError where there is no complete answer in time.
        """
        target = outgoing.target()
        self._check(target)
        if not (outgoing.verify_tls or self.policy.unverified_tls):
            raise HttpRefusedError(
                Code.UNVERIFIED_TLS_REFUSED,
                "certificates must be verified",
                hint="An operator can permit that with OPPSPOT_UNVERIFIED_TLS=true.",
            )
        limits = self.policy.limits
        request = outgoing.request(target, limits.request_bytes)
        limit_s = min(outgoing.timeout_s or limits.total_s, limits.most_total_s)
        try:
            async with asyncio.timeout(limit_s):
                return await self._followed(outgoing, request, target)
        except TimeoutError:
            raise HttpFailedError(
                Code.HTTP_TIMEOUT, f"{target.shown} gave no complete answer within {limit_s:g} s"
            ) from None

    def within(self, allowed: AllowedDomains) -> GuardedClient:
        """This client for other domains: connections are shared, and closed with it."""
        other = copy(self)
        other.allowed = allowed
        return other

    async def aclose(self) -> None:
        """Closes the connections that are kept for further calls."""
        transports = [*self._transports.values()]
        self._transports.clear()
        for transport in transports:
            await transport.aclose()

    def _check(self, target: Target) -> None:
        if target.port not in self.policy.ports:
            raise HttpRefusedError(
                Code.PORT_REFUSED,
                f"the port {target.port} of {target.host} is not let through",
                hint="An operator can add it to OPPSPOT_REACHABLE_PORTS.",
            )
        if not self.allowed.allow(target.host):
            raise HttpRefusedError(
                Code.DOMAIN_NOT_ALLOWED,
                f"{target.host} is not among the allowed domains",
                hint="If it is to be called, name it in allowed_domains or by add_allowed_domain.",
            )

    async def _followed(
        self, outgoing: Outgoing, request: httpx2.Request, target: Target
    ) -> HttpResponse:
        limits = self.policy.limits
        most = outgoing.max_redirects
        most = limits.redirects if most is None else min(most, limits.most_redirects)
        for hop in range(most + 1):
            request.extensions = {"timeout": self._timeouts()}
            answer = await self._answer(request, outgoing, hop)
            try:
                response = await self._read(answer, target, hop)
            finally:
                await answer.aclose()
            location = response.headers.get("location", "")
            leads_on = location and response.status in redirects.STATUSES
            if not (leads_on and outgoing.follow_redirects):
                return response
            here, target = target, redirects.next_target(target, location)
            self._check(target)
            request = redirects.next_request(request, response.status, here, target)
        raise HttpRefusedError(
            Code.TOO_MANY_REDIRECTS, f"{target.shown} is where redirect number {most + 1} leads"
        )

    async def _answer(
        self, request: httpx2.Request, outgoing: Outgoing, hop: int
    ) -> httpx2.Response:
        try:
            return await self._transport(outgoing.verify_tls).handle_async_request(request)
        except HttpUnreachedError as error:
            if hop == 0:
                raise
            raise HttpFailedError(error.reason, str(error)) from error  # the first one was sent

    async def _read(self, answer: httpx2.Response, target: Target, hop: int) -> HttpResponse:
        most = self.policy.limits.response_bytes
        content = bytearray()
        with told_as_ours(target.host):
            async with aclosing(answer.aiter_bytes()) as pieces:
                async for piece in pieces:
                    content += piece
                    if len(content) > most:
                        raise too_large(target.host, most)
        encoding = answer.charset_encoding or "utf-8"
        return HttpResponse(
            answer.status_code, answer.headers, bytes(content), str(target.url), hop, encoding
        )

    def _transport(self, verify: bool) -> GuardedTransport:
        if verify not in self._transports:
            tls = self._tls if verify and self._tls else None
            self._transports[verify] = GuardedTransport(
                self._backend, tls or certificates(verify), self.policy.limits.response_bytes
            )
        return self._transports[verify]

    def _timeouts(self) -> dict[str, float]:
        limits = self.policy.limits
        waits = dict.fromkeys(("read", "write", "pool"), limits.read_s)
        return {"connect": limits.connect_s, **waits}
