"""Which database this process works on: the one of DATABASE_URL, else the private one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from oppspot_runner.base.errors import ConfigurationError, OppspotError
from oppspot_runner.base.settings import Settings
from oppspot_runner.db import embedded
from oppspot_runner.db.cancelling import end_all
from oppspot_runner.db.pool import Database

LOOK_S = 2.0  # between two looks whether the private server is there
MOST_PAUSE_S = 60.0


def embedded_folder(settings: Settings) -> Path:
    """The folder of the private Postgres."""
    return settings.embedded_folder or embedded.default_folder()


def given_dsn(settings: Settings) -> str | None:
    """DATABASE_URL, if it is set."""
    secret = settings.database_url
    return secret.get_secret_value() if secret is not None and secret.get_secret_value() else None


@asynccontextmanager
async def opened(settings: Settings, **options: Any) -> AsyncIterator[Database]:
    """The database of these settings, open, with these options of `Database`. The private one is
    started if it does not run, and stopped by its last user.

    Raises ConfigurationError or DatabaseError when there is none to be had.
    """
    dsn = given_dsn(settings)
    if dsn is not None:
        direct = settings.direct_url
        options["direct_dsn"] = direct.get_secret_value() if direct is not None else None
        async with Database(dsn, schema=settings.schema_name, **options) as database:
            yield database
        return
    server = await asyncio.to_thread(embedded.acquire, embedded_folder(settings))
    try:
        async with (
            _kept_up(server),
            Database(server.dsn, schema=settings.schema_name, **options) as database,
        ):
            yield database
    finally:
        await asyncio.to_thread(server.release)


@asynccontextmanager
async def _kept_up(server: embedded.EmbeddedPostgres) -> AsyncIterator[None]:
    """Starts the private server again meanwhile when it is gone: nobody else looks after it."""
    looking = asyncio.get_running_loop().create_task(_look_after(server))
    try:
        yield
    finally:
        await end_all({looking})


async def _look_after(server: embedded.EmbeddedPostgres) -> None:
    pause_s = LOOK_S
    while True:
        await asyncio.sleep(pause_s)
        try:
            if await asyncio.to_thread(server.revive):
                _log().warning("the private Postgres was gone: it is started again")
            pause_s = LOOK_S
        except (OppspotError, OSError) as error:
            pause_s = min(pause_s * 2, MOST_PAUSE_S)
            told = error.one_line() if isinstance(error, OppspotError) else str(error)
            _log().error("the private Postgres is gone", error=told, again_in_s=pause_s)


def _log() -> Any:
    import structlog  # only where there is something to say: commands are to begin fast

    return structlog.get_logger()


def running_dsn(settings: Settings) -> str | None:
    """Connection string of the database without starting any; None when the private one is down."""
    return given_dsn(settings) or embedded.find_running(embedded_folder(settings))


def require_choice(settings: Settings, *, embedded_asked: bool, interactive: bool) -> None:
    """Nobody runs production on an empty private database by mistake.

    Raises ConfigurationError when no database was named and nobody sits at the terminal.
    """
    if given_dsn(settings) is None and not embedded_asked and not interactive:
        raise ConfigurationError(
            "no database was named, and this is not a terminal",
            hint="Set DATABASE_URL, or say --embedded to use the private Postgres.",
        )
