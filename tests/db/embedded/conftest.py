"""Folders with an embedded server, and processes that use it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from oppspot_runner.db import embedded, embedded_server
from oppspot_runner.db.embedded_files import home_of, prepare_folder

ROOT = Path(__file__).resolve().parents[3]
# Says the dsn, keeps its share until its input ends or it is killed.
USER = """
import sys
from pathlib import Path
from oppspot_runner.db import embedded
share = embedded.acquire(Path(sys.argv[1]))
{then}
print(share.dsn, flush=True)
sys.stdin.read()
"""


@contextmanager
def heard(number: signal.Signals) -> Iterator[None]:
    """Lets what is started meanwhile hear a signal, also where whoever runs the tests ignores it.

    A shell without job control ignores SIGINT for what it starts in the background, and children
    inherit that; a handler they do not.
    """
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)


class Place:
    """One folder, and the processes that were started on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []

    @property
    def home(self) -> Path:
        return (self.folder / "server").resolve()

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def pid(self) -> int | None:
        return embedded_server.server_pid(self.data)

    def kill_server(self) -> None:
        pid = self.pid()
        assert pid is not None
        watch = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        select.select([watch], [], [])
        os.close(watch)

    def run(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        with heard(signal.SIGINT):
            process = subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                text=True,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def user(self, then: str = "") -> subprocess.Popen[str]:
        """A process that acquires, does `then`, says the dsn and keeps its share."""
        return self.run(USER.format(then=then), str(self.folder))

    def dsn_of(self, user: subprocess.Popen[str]) -> str:
        """Waits until the process has its share."""
        assert user.stdout is not None
        assert user.stderr is not None
        return user.stdout.readline().strip() or pytest.fail(user.stderr.read())

    def ask(self, dsn: str, query: str) -> object:
        with psycopg.connect(dsn) as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def clean_up(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()
        embedded.remove(self.folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    shared = Place(tmp_path_factory.mktemp("shared") / "postgres")
    yield shared
    shared.clean_up()


@pytest.fixture
def place(whole: Place) -> Iterator[Place]:
    """A cluster for all tests that leave it whole; making one takes a second."""
    yield whole
    assert embedded.users(whole.folder) == []
    assert whole.pid() is None


@pytest.fixture
def new_place(tmp_path: Path) -> Iterator[Place]:
    """No cluster yet."""
    new = Place(tmp_path / "postgres")
    yield new
    new.clean_up()


@pytest.fixture
def own_place(new_place: Place, whole: Place) -> Place:
    """A cluster that a test may damage."""
    if not whole.folder.exists():
        embedded.acquire(whole.folder).release()
    home = home_of(prepare_folder(new_place.folder))
    subprocess.run(["cp", "-a", whole.data, home / "data"], check=True)
    return new_place
