"""uvicorn inside a process whose signals and loop are somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from oppspot_runner.api.state import ApiState

MOST_CLOSING_S = 5  # for answers that are on when the server is told to stop


class Server(uvicorn.Server):
    """A server that leaves signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Whoever owns the process owns its signals."""
        yield


def make_server(app: FastAPI, host: str, port: int) -> Server:
    """A server for `app`; `await server.serve()` runs it until `stop`."""
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=MOST_CLOSING_S,
        )
    )


def stop(server: Server, state: ApiState) -> None:
    """Ends streams, lets answers that are on be sent, and then the server ends."""
    state.closing.set()
    server.should_exit = True
