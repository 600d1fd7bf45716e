"""HTTP for commands: the extra is loaded where somebody asks for it, and only there."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from oppspot_runner.agents.registry import registry
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from oppspot_runner.runner.loop import Runner


def listen_at(address: str) -> socket.socket:
    """A socket that listens there.

    Raises ConfigurationError when that cannot be, or when the extra is not installed.
    """
    try:
        from oppspot_runner.api.server import listen
    except ImportError as error:
        raise ConfigurationError(
            f"HTTP needs the extra `api`: {error}", hint="pip install 'oppspot-runner[api]'"
        ) from None
    return listen(address)


@asynccontextmanager
async def http_beside(
    settings: Settings, database: Database, listening: socket.socket | None
) -> AsyncIterator[Callable[[Runner], None]]:
    """Serves HTTP meanwhile, if somebody asked for it; it wants to be told of the runner."""
    if listening is None:
        yield lambda _: None
        return
    from oppspot_runner.api.serving import beside

    async with beside(settings, database, listening, registry) as state:
        yield state.begin
