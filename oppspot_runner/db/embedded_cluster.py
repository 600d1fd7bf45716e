"""The files of one Postgres cluster: made, configured, checked for their version.

Does not start the server: that is `embedded_server`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from oppspot_runner.base.errors import ConfigurationError, DatabaseError
from oppspot_runner.db import embedded_programs as programs
from oppspot_runner.db.embedded_files import home_of, socket_folder
from oppspot_runner.db.files import statement

# Both the only role and the database.
NAME = "oppspot"
LITTLE_ROOM_BYTES = 100_000_000
INITDB_OPTIONS = (
    "--auth=peer",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
)
FIRST_STATEMENTS = (statement("embedded/create_database"), statement("embedded/log_less"))

# Rewritten at every start; ALTER SYSTEM overrides it. mmap, because the system may clear its shared
# memory when the user logs out, and a container may have very little of it.
SETTINGS = """\
listen_addresses = ''
port = 5432
unix_socket_directories = {sockets}
unix_socket_permissions = 0700
hba_file = {hba}
ident_file = {ident}
max_connections = 100
shared_buffers = 128MB
dynamic_shared_memory_type = mmap
fsync = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_destination = 'stderr'
logging_collector = off
log_checkpoints = off
log_min_error_statement = panic
"""


class Cluster:
    """Where things are, and the system user who owns them (`uid`; None for that of this process).

    Creates the folder for the server's files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = home_of(folder)
        self.data = self.home / "data"
        self.log = folder / "server.log"
        self.gate = folder / "server.lock"
        self.uid = programs.server_uid(self.data)
        self.owner = programs.owner_name()

    def create(self, gate: int) -> None:
        """Make the cluster under another name, so that `data` is complete or not there at all.

        `gate` stays open in the programs that work on it. Raises DatabaseError with what they said.
        """
        fresh, uid = self.home / "data.new", programs.initdb_uid()
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        try:
            if uid is not None:
                os.chown(fresh, uid, uid)
            bin_folder = programs.reachable_binaries()
            initdb = ["-D", str(fresh), "-U", NAME, *INITDB_OPTIONS]
            self._run_or_fail([bin_folder / "initdb", *initdb], uid, gate)
            # -j: a statement ends with an empty line.
            single = ["--single", "-j", "-D", str(fresh), "template1"]
            statements = "".join(f"{text}\n\n" for text in FIRST_STATEMENTS).encode()
            self._run_or_fail([bin_folder / "postgres", *single], uid, gate, statements)
            if self.uid is not None:
                _hand_over(fresh, self.uid)
            fresh.rename(self.data)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _run_or_fail(
        self, command: Sequence[str | Path], uid: int | None, gate: int, stdin: bytes = b""
    ) -> None:
        result = programs.run_program(command, uid=uid, gate=gate, stdin=stdin)
        # The single-user server ends well after a statement that failed.
        if result.returncode or b"ERROR:" in result.stdout:
            # On a full disk the message has to do.
            with suppress(OSError), open(self.log, "ab", opener=_private) as log:
                log.write(result.stdout)
            raise self.failure("could not be created", result.stdout)

    def check_version(self) -> None:
        """Raise ConfigurationError when another major version of Postgres made the cluster."""
        made_by = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        if made_by != programs.major_version():
            raise ConfigurationError(
                f"the database in {self.folder} was made by PostgreSQL {made_by},"
                f" the installed one is {programs.major_version()}",
                hint=f"Dump it with PostgreSQL {made_by} (pg_dump), move {self.folder} away,"
                " start again and load the dump; or set DATABASE_URL.",
            )

    def configure(self) -> Path:
        """Write the settings; the folder of the socket, which only this system user passes."""
        sockets = socket_folder(self.home)
        if self.uid is not None:
            os.chown(sockets, self.uid, self.uid)
        owner = self.owner.replace('"', '""')
        hba, ident = self.home / "pg_hba.conf", self.home / "pg_ident.conf"
        settings = SETTINGS.format(
            sockets=_quoted('"' + str(sockets).replace('"', '""') + '"'),
            hba=_quoted(str(hba)),
            ident=_quoted(str(ident)),
        )
        self._write(self.home / "postgresql.conf", settings)
        self._write(hba, "local all all peer map=owner\n")
        self._write(ident, f'owner "{owner}" {NAME}\n')
        return sockets

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600 if self.uid is None else 0o644)

    def failure(self, what: str, said: bytes) -> DatabaseError:
        """The error that says what the programs said last, and where to read on."""
        lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
        reason = " | ".join(lines[-5:]) or "it said nothing"
        free = shutil.disk_usage(self.home).free
        room = f" ({free // 1_000_000} MB free on this disk)" if free < LITTLE_ROOM_BYTES else ""
        return DatabaseError(
            f"the embedded Postgres in {self.folder} {what}: {reason}{room}",
            hint=f"The whole log is {self.log}",
        )


def _hand_over(folder: Path, uid: int) -> None:
    for _, _, names, descriptor in os.fwalk(folder):
        os.chown(descriptor, uid, uid)
        for name in names:
            os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
