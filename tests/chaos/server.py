"""A Postgres of our own on 127.0.0.1, in a temporary folder, to be stopped hard and restarted."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import tempfile
from pathlib import Path

from psycopg.conninfo import make_conninfo

from oppspot_runner.db import embedded_programs as programs
from tests.conftest import in_memory

SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "150",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
    "restart_after_crash": "on",
}
FORGETFUL = {"fsync": "off", "full_page_writes": "off"}


def newest_programs() -> Path:
    """The folder with postgres and pg_ctl: of the embedded wheel, else of Debian's packages."""
    if programs.is_installed():
        return programs.reachable_binaries()
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name)
    )
    if not found:
        raise SystemExit("no Postgres: pip install 'oppspot-runner[embedded]', or Debian's package")
    return found[-1]


def version(binaries: Path) -> str:
    """Name and number of the server."""
    said = programs.run_program([binaries / "postgres", "--version"]).stdout.decode()
    return said.strip().replace("postgres (PostgreSQL)", "PostgreSQL")


class Postgres:
    """`durable`: waits for the disk at each commit, and is on one."""

    def __init__(self, binaries: Path, *, durable: bool) -> None:
        self.binaries = binaries
        self.durable = durable
        # It does not run as root; initdb wants a user with a name.
        self.uid = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        where = None if durable else in_memory()
        self.folder = Path(tempfile.mkdtemp(prefix="oppspot-chaos-", dir=where))
        if self.uid is not None:
            os.chown(self.folder, self.uid, -1)
        self.data = self.folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        try:
            initdb = ["initdb", "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C"]
            self._run(*initdb, "-D", str(self.data))
            self.start()
        except BaseException:
            self.remove()
            raise

    def start(self) -> None:
        settings = {**SETTINGS, "port": str(self.port), **({} if self.durable else FORGETFUL)}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-D", str(self.data), "-w", "-l", log, "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "stop", "-D", str(self.data), "-w", "-m", mode)

    def remove(self) -> None:
        """Stops the server if it runs, and takes its folder away."""
        if (self.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, database: str, user: str) -> str:
        return make_conninfo(host="127.0.0.1", port=self.port, dbname=database, user=user)

    def _run(self, program: str, *arguments: str) -> str:
        done = programs.run_program([self.binaries / program, *arguments], uid=self.uid)
        said = done.stdout.decode(errors="replace")
        if done.returncode:
            raise RuntimeError(f"{program} failed: {said.strip()[-500:]}")
        return said
