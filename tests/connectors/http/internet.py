"""A small internet on 127.0.0.1: names with addresses, and sites that stand behind them.

The client is the real one, with its real guard. Only the last step is bent: a connection to an
address of this internet goes to the site of that address, and every dial is written down.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import httpcore2

from oppspot_runner.connectors.http.client import GuardedClient
from oppspot_runner.connectors.http.domains import AllowedDomains
from oppspot_runner.connectors.http.policy import HttpPolicy

Writer = asyncio.StreamWriter
Answer = bytes | Callable[[Writer], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """A request as it arrived at a site."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of an answer."""
    lines = [f"HTTP/1.1 {status} Any", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Site:
    """A server on 127.0.0.1 that answers by path and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.received: list[Received] = []
        self._server: asyncio.Server | None = None
        self._writers: set[Writer] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, tls: ssl.SSLContext | None = None) -> Site:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        return self

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers.copy():
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        self._writers.add(writer)
        try:
            while request := await _read(reader):
                self.received.append(request)
                answered = self.answers.get(request.path.partition("?")[0], answer(404))
                if isinstance(answered, bytes):
                    writer.write(answered)
                else:
                    await answered(writer)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, body)


@dataclass
class Internet(httpcore2.AsyncNetworkBackend):
    """Names, the sites behind addresses, and what was dialled. Answers of a name come in turn."""

    names: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)

    def put(self, name: str, address: str, site: Site) -> None:
        """From now on `name` has `address`, where `site` is."""
        self.names[name] = [[address]]
        self.sites[address] = site

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.names.get(host)
        if not answers:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.dialled.append((host, port))
        if host not in self.sites:
            raise httpcore2.ConnectError("nobody is there")
        local = self.sites[host].port
        return await httpcore2.AnyIOBackend().connect_tcp("127.0.0.1", local, timeout)

    def client(
        self,
        policy: HttpPolicy | None = None,
        allowed: AllowedDomains | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> GuardedClient:
        """The real client, for which this is all of the internet."""
        return GuardedClient(policy, allowed, tls=tls, resolver=self.resolve, network=self)
