"""HTTP as a service of a process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from oppspot_runner.agents.registry import Registry
from oppspot_runner.api.application import build_application
from oppspot_runner.api.listening import address_of
from oppspot_runner.api.server import Server
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.cancelling import end_all
from oppspot_runner.db.pool import Database

# Requests wait for one another rather than take connections from attempts.
MOST_CONNECTIONS = 6
STATEMENT_S = 20.0
# Nobody looks at a page that long; tasks, which wait longer, have connections of their own.
PATIENCE_S = 2.0


def state_on(database: Database, settings: Settings, registry: Registry) -> ApiState:
    """What requests of this process share, as long as it only starts."""
    return ApiState(database, settings, registry, is_starting=True)


@asynccontextmanager
async def serving(
    state: ApiState, listening: socket.socket, *, on_fault: Callable[[], None] | None = None
) -> AsyncIterator[ApiState]:
    """Serves HTTP meanwhile; requests are refused until `state.begin`."""
    server = Server(build_application(state), state.closing)
    running = asyncio.get_running_loop().create_task(_serve(server, listening, on_fault))
    try:
        yield state
    finally:
        server.stop()
        await asyncio.wait({running})
        await end_all({running})


async def _serve(
    server: Server, listening: socket.socket, on_fault: Callable[[], None] | None
) -> None:
    log = structlog.get_logger()
    log.info("HTTP is served", address=address_of(listening))
    try:
        await server.serve(sockets=[listening])
    except Exception:
        log.exception("HTTP is served no more: start this process anew")
        if on_fault is not None:
            on_fault()
    finally:
        listening.close()
