"""uvicorn inside a process whose signals and loop are somebody else's."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from oppspot_runner.api.heads import BoundedHeads
from oppspot_runner.base.errors import ConfigurationError

MOST_CLOSING_S = 5  # for answers that are on when the server is told to stop
CUT_AFTER_S = 4  # ... before those whose clients take nothing are cut off
BACKLOG = 2048
# A client that takes nothing of what it is sent for so long is gone.
SILENT_MS = 30_000


class Server(uvicorn.Server):
    """A server that leaves signals alone, and ends although streams are open.

    `closing` is set when it begins to end: whoever sends a stream ends it then.
    """

    def __init__(self, app: ASGIApp, closing: asyncio.Event) -> None:
        config = uvicorn.Config(
            app,
            http=BoundedHeads,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=MOST_CLOSING_S,
        )
        super().__init__(config)
        self.closing = closing

    def stop(self) -> None:
        """Ends it: takes no more requests, lets answers that are on be sent."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Whoever owns the process owns its signals."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends streams, waits for other answers, and cuts off what still hangs."""
        self.closing.set()
        cut = asyncio.get_running_loop().call_later(CUT_AFTER_S, self._cut_off)
        try:
            await super().shutdown(sockets)
        finally:
            cut.cancel()

    def _cut_off(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def listen(address: str) -> socket.socket:
    """A socket that listens at `address`, as host:port or port alone, which means this machine.

    Raises ConfigurationError when that cannot be.
    """
    host, _, port = address.rpartition(":")
    name = host.strip("[]") or "127.0.0.1"
    try:
        family, _, _, _, where = socket.getaddrinfo(name, int(port), type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(where, family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        why = str(error)
        if isinstance(error, OSError) and error.errno:
            why = os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
        raise ConfigurationError(
            f"cannot serve HTTP at {address}: {why}",
            hint="Name another HOST:PORT with --http or OPPSPOT_HTTP.",
        ) from None
    drop_silent(listening)
    return listening


def drop_silent(listening: socket.socket, after_ms: int = SILENT_MS) -> None:
    """Lets the system end connections, accepted from here, whose clients take nothing."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, after_ms)


def address_of(listening: socket.socket) -> str:
    """Where that is, for people and browsers."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
