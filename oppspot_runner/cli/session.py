"""How a command gets its settings and its database.

Commands that change something open the database, and start the private one if need be; commands
that only look use what is running.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from oppspot_runner.app.database import given_dsn, opened, running_dsn
from oppspot_runner.base.errors import SettingError
from oppspot_runner.base.settings import Settings, load_settings, unknown_variables
from oppspot_runner.cli.output import say, warn
from oppspot_runner.db.migrate import migrate as migrate_schema
from oppspot_runner.db.migrate import require_schema
from oppspot_runner.db.pool import Connection, Database

if TYPE_CHECKING:
    from oppspot_runner.app.client import AsyncClient

__all__ = [
    "client_of",
    "import_from_here",
    "json_option",
    "load",
    "load_with",
    "open_client",
    "open_database",
    "open_running",
    "runs",
    "say",
    "warn_of_unknown",
]

P = ParamSpec("P")
R = TypeVar("R")

# What psycopg and its pool have to say of lost connections, commands say better.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def import_from_here() -> None:
    """Lets modules with agents (`--import`, OPPSPOT_IMPORT) be found in the current folder."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))


def load() -> Settings:
    """Settings of this command; unknown OPPSPOT_ names are warned of, once.

    Raises SettingError.
    """
    warn_of_unknown()
    return _put_to_use(load_settings())


def load_with(**flags: Any) -> Settings:
    """Settings with the values of this command's options; None: not given.

    Raises click.BadParameter for an unusable option, SettingError for another setting.
    """
    try:
        return _put_to_use(load_settings(**flags))
    except SettingError as error:
        if flags.get(error.field) in (None, ()):
            raise
        context = click.get_current_context()
        (option,) = (one for one in context.command.params if one.name == error.field)
        raise click.BadParameter(error.fault, context, option) from None


def _put_to_use(settings: Settings) -> Settings:
    if settings.industries:
        from oppspot_runner.companies.industry_table import use_industries

        use_industries(settings.industries)
    return settings


@cache
def warn_of_unknown() -> None:
    """Says once which OPPSPOT_ names mean nothing."""
    for name, near in unknown_variables().items():
        hint = f"; did you mean {near}?" if near else ""
        warn(f"warning: {name} means nothing to oppspot-runner{hint}")


def runs(command: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Lets click call a coroutine function."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return asyncio.run(command(*args, **kwargs))

    return run


@asynccontextmanager
async def open_database(
    settings: Settings | None = None, *, migrate: bool = False
) -> AsyncIterator[Database]:
    """The database of these settings, ready to be used.

    The private one is started and brought up to date by itself; another one only with `migrate`.
    Raises ConfigurationError, DatabaseError or SchemaError.
    """
    settings = settings or load()
    async with opened(settings) as database:
        if migrate or given_dsn(settings) is None:
            await migrate_schema(database)
        else:
            await require_schema(database)
        yield database


@asynccontextmanager
async def open_running(settings: Settings | None = None) -> AsyncIterator[Database | None]:
    """The database of these settings; None when it is the private one and that is not running."""
    settings = settings or load()
    if running_dsn(settings) is None:
        yield None
        return
    # Opened as by any other user: a private server would else be stopped under our eyes by its
    # last runner.
    async with opened(settings) as database:
        await require_schema(database)
        yield database


@asynccontextmanager
async def open_client() -> AsyncIterator[AsyncClient]:
    """A client on the database of the settings."""
    async with open_database() as database:
        yield client_of(database)


def client_of(target: Database | Connection) -> AsyncClient:
    """A client on a database that is open, or inside the transaction of a connection."""
    from oppspot_runner.app.client import AsyncClient

    return AsyncClient(target)
