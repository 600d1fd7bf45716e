"""A TCP proxy in front of Postgres that misbehaves on demand: half-open, cut, slow, stalled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

PIECE = 65_536
End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Stands in front of the server of `dsn`. `delay_s` is added to each piece, each way; nobody
    new comes through while it `is_down`. A program that is to use it is started by `prefix`."""

    prefix: tuple[str, ...] = ()

    def __init__(self, dsn: str, *, host: str = "127.0.0.1") -> None:
        self.behind = conninfo_to_dict(dsn)
        self.host = host
        self.delay_s = 0.0
        self.is_down = False
        self._dial = dialling(self.behind)
        self._lines: list[_Line] = []
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def dsn(self) -> str:
        """The connection string that leads through here."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return make_conninfo(**{**self.behind, "host": self.host, "port": port})

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, self.host, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self._flows.set()
        for line in self._lines:
            line.cut()
        while self._lines:
            await asyncio.sleep(0)

    async def cut_off(self) -> None:
        """Nothing passes any more, and nobody is told; what is sent meanwhile comes later."""
        self._flows.clear()

    async def reconnect(self) -> None:
        """Everything passes again."""
        self._flows.set()

    async def flows(self) -> None:
        """Waits until things pass."""
        await self._flows.wait()

    def cut(self, share: float) -> int:
        """Closes that share of the connections on both sides; how many."""
        return self._each(share, _Line.cut)

    def half_open(self, share: float) -> int:
        """Their server's side is gone, their client's side stays open and never hears anything."""
        return self._each(share, _Line.fall_silent)

    def _each(self, share: float, action: Callable[[_Line], None]) -> int:
        lines = [line for line in self._lines if not line.silent]
        chosen = lines[: max(1, round(len(lines) * share))]
        for line in chosen:
            action(line)
        return len(chosen)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_down:
            writer.transport.abort()
            return
        await self.flows()
        try:
            server = await self._dial()
        except OSError:  # the server is down: so are we
            writer.transport.abort()
            return
        line = _Line(self, (reader, writer), server)
        self._lines.append(line)
        await line.forward()
        self._lines.remove(line)


def dialling(server: dict[str, Any]) -> Callable[[], Awaitable[End]]:
    """What connects to a server, by TCP or by its socket."""
    host, port = str(server["host"]), int(server.get("port") or 5432)
    if host.startswith("/"):
        return partial(asyncio.open_unix_connection, f"{host}/.s.PGSQL.{port}")
    return partial(asyncio.open_connection, host, port)


class _Line:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: End, server: End) -> None:
        self.proxy = proxy
        self.client = client
        self.server = server
        self.silent = False

    async def forward(self) -> None:
        async with asyncio.TaskGroup() as both_ways:
            both_ways.create_task(self._pass_on(self.client, self.server))
            both_ways.create_task(self._pass_on(self.server, self.client))

    async def _pass_on(self, source: End, sink: End) -> None:
        with suppress(OSError):
            while piece := await source[0].read(PIECE):
                if self.proxy.delay_s:
                    await asyncio.sleep(self.proxy.delay_s)
                await self.proxy.flows()
                if not self.silent:  # else it is lost on the way
                    sink[1].write(piece)
                    await sink[1].drain()
        if not self.silent or source is self.client:
            self.cut()

    def fall_silent(self) -> None:
        self.silent = True
        self.server[1].transport.abort()

    def cut(self) -> None:
        for _, writer in (self.client, self.server):
            writer.transport.abort()
