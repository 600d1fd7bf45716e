"""uvicorn inside a process whose signals and loop are somebody else's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from oppspot_runner.api.heads import BoundedHeads
from oppspot_runner.api.listening import BACKLOG

MOST_CLOSING_S = 5  # for answers that are on when the server is told to stop
CUT_AFTER_S = 4  # ... before those whose clients take nothing are cut off


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
