"""One Postgres for the session, one fresh database for each test that asks for `db` or `dsn`.

The server is the one of TEST_DATABASE_URL, which all workers share, else an embedded one for each,
else a container where Docker answers. Each database is a copy of a migrated template (about 20 ms).
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import sys
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Database
from oppspot_runner.observe import logging
from tests import warm
from tests.warm import Warmer

# Whatever the shell says: each of the workers, and each of the many programs that tests start,
# would else compile all our modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Under nohup, or in the background of a script, these would be ignored, by the programs that tests
# start and interrupt, too.
for interruption, answer in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(interruption) == signal.SIG_IGN:
        signal.signal(interruption, answer)


# How long an example takes to draw or to run says something of the machine, and nothing of us.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

gc.disable()  # until all is collected

# Fixtures that take seconds to make: the crowded queue, a browser with its site, the parsed modules
# of the package, Celery workers.
DEAR = {"crowded", "browser", "modules", "workers"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--slice",
        metavar="SEED/N",
        type=part,
        help="of the selected tests run one in N, others with another SEED, and all of ci_slice",
    )


def part(text: str) -> tuple[str, int]:
    seed, _, many = text.rpartition("/")
    return seed, int(many)


def pytest_configure(config: pytest.Config) -> None:
    """Leaves out what takes seconds where nobody named a folder, a file or a marker."""
    if config.args_source is config.ArgsSource.TESTPATHS and not config.option.markexpr:
        config.option.markexpr = "not slow"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts those first that share what takes long to make, so that few workers make it."""
    if chosen := config.getoption("slice"):
        leave_out(config, items, *chosen)
    items.sort(key=lambda item: DEAR.isdisjoint(getattr(item, "fixturenames", ())))
    if "TEST_DATABASE_URL" in os.environ and "PYTEST_XDIST_WORKER" in os.environ:
        others = pytest.mark.skip(reason="other workers use the same server: run it with -n 0")
        for item in items:
            if item.get_closest_marker("whole_server"):
                item.add_marker(others)


def leave_out(config: pytest.Config, items: list[pytest.Item], seed: str, many: int) -> None:
    drawn = {
        one
        for one in items
        if one.get_closest_marker("ci_slice")
        or zlib.crc32(f"{seed}{one.nodeid}".encode()) % many == 0
    }
    config.hook.pytest_deselected(items=[item for item in items if item not in drawn])
    items[:] = [item for item in items if item in drawn]


def pytest_collection_finish() -> None:
    """Lets the garbage collector not look at thousands of tests and modules again and again."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Connection string of a Postgres where databases may be created."""
    with running_server() as dsn:
        yield dsn
        drop_those_left(dsn)
        administrator(dsn).close()


@contextmanager
def running_server() -> Iterator[str]:
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    from oppspot_runner.db import embedded

    if embedded.is_installed():
        folder = Path(tempfile.mkdtemp(prefix="oppspot-tests-", dir=in_memory()))
        folder.chmod(0o755)  # the data inside is closed; root's server runs as somebody else
        with embedded.acquire(folder / "postgres") as postgres:
            make_forgetful(postgres.dsn)
            yield postgres.dsn
        embedded.remove(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)
        return
    from testcontainers.postgres import PostgresContainer

    with PostgresContainer("postgres:17", driver=None) as container:
        yield container.get_connection_url()


def in_memory() -> str | None:
    """A folder in memory where there is room: making a database takes a fifth of the time there."""
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and shutil.disk_usage(shared).free > 2 * 1024**3
    return str(shared) if roomy else None


def make_forgetful(server: str) -> None:
    """Lets a server that lives for one test session not wait for the disk.

    Nothing here cuts the power; a killed process loses nothing by it.
    """
    with psycopg.connect(server, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")


@cache
def administrator(server: str) -> psycopg.Connection[Any]:
    """The one session that makes and drops databases: each test uses it twice."""
    return psycopg.connect(server, autocommit=True)


@cache
def is_forgetful(server: str) -> bool:
    connection = administrator(server)
    row = connection.execute("SHOW fsync").fetchone()
    return row == ("off",) and connection.info.server_version >= 15_00_00


def create_database(server: str, name: str, template: str | None = None) -> str:
    """Makes a database, empty or as a copy; returns its connection string."""
    drop_those_left(server)
    command = sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(
        name=sql.Identifier(name), template=sql.Identifier(template or "template0")
    )
    if is_forgetful(server):
        command += sql.SQL(" STRATEGY FILE_COPY")  # its checkpoints wait for no disk: half the cost
    administrator(server).execute(command)
    return make_conninfo(server, dbname=name)


left: list[str] = []  # databases that nobody uses any more


def drop_database(name: str) -> None:
    """Has it dropped before the next one is made: by then its last sessions have really ended.

    DROP DATABASE waits 100 ms for one that has not.
    """
    left.append(name)


def drop_those_left(server: str) -> None:
    while left:
        administrator(server).execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(left.pop()))
        )


@pytest.fixture(scope="session")
def warmer() -> Iterator[Warmer]:
    """Starts `oppspot-runner` as processes of their own."""
    with warm.warmer() as made:
        yield made


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    """Name of a migrated database that nobody is connected to."""
    name = f"oppspot_template_{uuid4().hex[:8]}"
    dsn = create_database(server, name)

    async def prepare() -> None:
        async with Database(dsn) as database:
            await migrate(database)

    asyncio.run(prepare())
    yield name
    drop_database(name)


@pytest.fixture
def dsn(server: str, template: str) -> Iterator[str]:
    """Connection string of a migrated, empty database of this test alone."""
    name = f"oppspot_test_{uuid4().hex[:12]}"
    yield create_database(server, name, template)
    drop_database(name)


@pytest.fixture
def empty_dsn(server: str) -> Iterator[str]:
    """Connection string of a database without any table."""
    name = f"oppspot_empty_{uuid4().hex[:12]}"
    yield create_database(server, name)
    drop_database(name)


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Database]:
    """An open `Database` on a migrated, empty database."""
    async with Database(dsn, max_size=10) as database:
        yield database


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    """Only errors are logged: a failing test should show its failure, not a thousand lines."""
    logging.set_up("json", "error")
