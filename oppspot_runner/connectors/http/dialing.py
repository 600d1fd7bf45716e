"""Dials what was checked: a name is resolved once, and the address that passed is connected to.

The decision is taken on the very address that is dialled, so a name that answers differently the
next time changes nothing. TLS still asks for the certificate of the name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Protocol

import httpcore2

from oppspot_runner.base.codes import Code
from oppspot_runner.connectors.http.addresses import Address, is_public, is_within
from oppspot_runner.connectors.http.errors import HttpRefusedError, HttpUnreachedError
from oppspot_runner.connectors.http.policy import HttpPolicy

LOCALHOST = "localhost"  # and all names below it are this machine (RFC 6761): nobody is asked
LOOPBACK = "127.0.0.1"
MOST_DIALLED = 4  # addresses of one name; more only make a dead host slower


class Resolver(Protocol):
    """Says which addresses a name has, as text. Raises OSError where it has none."""

    async def __call__(self, host: str, port: int) -> Sequence[str]: ...


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses of a name as the machine knows them, in the order in which to try them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections to addresses that the policy lets through, and to no others."""

    def __init__(
        self, policy: HttpPolicy, resolver: Resolver, network: httpcore2.AsyncNetworkBackend
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolves, checks and connects. Raises HttpRefusedError, HttpFailedError or ConnectError.

        Where one address of a name is refused, the name is: an honest name has no such address.
        """
        failure: Exception = _nameless(host)
        for address in await self._checked(host, port):
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Always refused: a socket of this machine is not on the internet."""
        raise HttpRefusedError(Code.ADDRESS_NOT_PUBLIC, "a Unix socket is not public")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _checked(self, host: str, port: int) -> list[Address]:
        addresses = [ip_address(text) for text in await self._addresses(host, port)]
        for address in addresses:
            if not (is_public(address) or is_within(address, self._policy.networks)):
                raise HttpRefusedError(
                    Code.ADDRESS_NOT_PUBLIC,
                    f"{host} is not on the public internet",
                    hint="An operator can open a network with OPPSPOT_REACHABLE_NETWORKS.",
                )
        return addresses[:MOST_DIALLED]

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        if host == LOCALHOST or host.endswith(f".{LOCALHOST}"):
            return [LOOPBACK]
        try:
            return await self._resolver(host, port)
        except (OSError, UnicodeError):
            raise _nameless(host) from None


def _nameless(host: str) -> HttpUnreachedError:
    return HttpUnreachedError(
        Code.NAME_NOT_RESOLVED, f"{host} has no address", hint="Check its spelling."
    )
