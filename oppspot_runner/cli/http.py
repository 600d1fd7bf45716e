"""HTTP for commands: the extra is loaded where somebody asks for it, and only there."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from oppspot_runner.agents.registry import registry
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from oppspot_runner.runner.loop import Runner


@contextmanager
def wanting_the_extra() -> Iterator[None]:
    """For imports: raises ConfigurationError when the extra is not installed."""
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(
            f"HTTP needs the extra `api`: {error}", hint="pip install 'oppspot-runner[api]'"
        ) from None


def listen_at(address: str) -> socket.socket:
    """A socket that listens there.

    Raises ConfigurationError when that cannot be, or when the extra is not installed.
    """
    with wanting_the_extra():
        from oppspot_runner.api.server import listen
    return listen(address)


@asynccontextmanager
async def http_beside(
    settings: Settings, database: Database, listening: socket.socket | None
) -> AsyncIterator[Callable[[Runner], Awaitable[None]]]:
    """Serves HTTP meanwhile, if somebody asked for it; it wants to be told of the runner.

    Told of it, it raises ConfigurationError when others could come in without a token.
    """
    if listening is None:
        yield _not_at_all
        return
    from oppspot_runner.api.opening import open_doors
    from oppspot_runner.api.serving import beside

    async with beside(settings, database, listening, registry) as state:

        async def begin(runner: Runner) -> None:
            await open_doors(state, listening)
            state.begin(runner)

        yield begin


async def _not_at_all(_: Runner) -> None:
    """There is no HTTP to begin."""
