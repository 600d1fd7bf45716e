"""HTTP as a service: beside a runner, in its process and loop, or alone in a process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from oppspot_runner.agents.registry import Registry
from oppspot_runner.api.application import build_application
from oppspot_runner.api.server import Server, address_of
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.cancelling import end_all
from oppspot_runner.db.pool import Database

# Requests wait for one another rather than take connections from attempts.
MOST_CONNECTIONS = 6
STATEMENT_S = 20.0
# Nobody looks at a page that long; tasks, which wait longer, have connections of their own.
PATIENCE_S = 2.0


@asynccontextmanager
async def beside(
    settings: Settings, database: Database, listening: socket.socket, registry: Registry
) -> AsyncIterator[ApiState]:
    """Serves HTTP meanwhile, on connections of its own to the same database.

    A fault of the server ends only the server, and is logged: tasks have nothing to do with it.
    """
    async with (
        Database(
            database.dsn,
            schema=database.schema,
            max_size=MOST_CONNECTIONS,
            statement_timeout_s=STATEMENT_S,
            patience_s=PATIENCE_S,
            application="oppspot-runner-http",
        ) as own,
        serving(state_on(own, settings, registry), listening) as state,
    ):
        yield state


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
