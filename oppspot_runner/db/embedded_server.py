"""One embedded server: start it, find it, stop it.

Callers hold the folder's lock (`embedded_files.locked`), except for `running_at`. Does not know who
uses the server: that is `embedded_users`.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import NamedTuple

from oppspot_runner.db import embedded_programs as programs
from oppspot_runner.db.embedded_cluster import Cluster
from oppspot_runner.db.embedded_files import take_lock
from oppspot_runner.db.embedded_users import process_folder

# Recovery after a crash reads up to max_wal_size, which takes minutes on a slow disk.
START_LIMIT_S = 600
# A server that started has written postmaster.pid long before.
SIGN_OF_LIFE_S = 1
STOP_LIMIT_S = 120
LOG_LIMIT_BYTES = 4_000_000
LOG_KEPT_BYTES = 500_000


class Server:
    """The server of one folder, running or not. Creates the folder for its files."""

    def __init__(self, folder: Path) -> None:
        self.cluster = cluster = Cluster(folder)
        self.data, self.log, self.gate = cluster.data, cluster.log, cluster.gate

    def ensure(self) -> Path:
        """Find the server ready, or make it so; the folder of its socket.

        A server that is starting or stopping is waited for. Raises ConfigurationError and
        DatabaseError, with the last lines of the server's log.
        """
        begin: int | None = None
        now = launched = time.monotonic()
        end = now + START_LIMIT_S
        while (found := running_at(self.data)) is None:
            if self._is_gone():
                if begin is None:
                    begin, launched = self._start(), time.monotonic()
                elif now > launched + SIGN_OF_LIFE_S:
                    raise self.cluster.failure("did not start", self._logged_since(begin))
            elif self._lost_its_socket():
                self.stop()
            if now > end:
                raise self.cluster.failure("was not ready in time", self._logged_since(begin or 0))
            _pause()
            now = time.monotonic()
        self.trim_log()
        return found

    def stop(self) -> None:
        """Stop the server if it runs, ending its connections; returns when its processes are gone.

        Raises DatabaseError when it does not stop.
        """
        if server_pid(self.data) is None:
            return
        pg_ctl = programs.reachable_binaries() / "pg_ctl"
        options = ["-m", "fast", "-w", "-t", str(STOP_LIMIT_S)]
        command: list[str | Path] = [pg_ctl, "stop", "-D", self.data, *options]
        result = programs.run_program(command, uid=self.cluster.uid, timeout_s=STOP_LIMIT_S + 10)
        if result.returncode and server_pid(self.data) is not None:
            raise self.cluster.failure("does not stop", result.stdout)
        end = time.monotonic() + STOP_LIMIT_S
        while not self._is_gone() and time.monotonic() < end:
            _pause()

    def trim_log(self) -> None:
        """Keep the newest part of a log that has grown too long."""
        if not self.log.exists() or self.log.stat().st_size < LOG_LIMIT_BYTES:
            return
        with open(self.log, "r+b") as file:
            file.seek(-LOG_KEPT_BYTES, os.SEEK_END)
            kept = file.read().partition(b"\n")[2]
            # The server appends, so it goes on at the new end.
            file.seek(0)
            file.truncate()
            file.write(kept)

    def _is_gone(self) -> bool:
        # The lock sees what a pid does not: children that outlive a killed server, an initdb of a
        # killed process, a server in another container. The pid sees a server on a network file
        # system, where children do not inherit locks.
        gate = take_lock(self.gate, wait=False)
        if gate is None:
            return False
        os.close(gate)
        return server_pid(self.data) is None

    def _lost_its_socket(self) -> bool:
        # Folders for temporary files are swept, by age or when the user logs out.
        status = _status(self.data)
        if status is None or status.state != "ready" or server_pid(self.data) is None:
            return False
        return not status.socket.exists()

    def _start(self) -> int:
        """Launch the server; the length of the log before. Does not wait until it is ready."""
        gate = take_lock(self.gate, wait=True)
        assert gate is not None
        try:
            if not self.data.exists():
                self.cluster.create(gate)
            self.cluster.check_version()
            sockets = self.cluster.configure()
            # Left by a server that was killed. Its pid may be somebody else's by now, or a zombie,
            # and Postgres would refuse to start beside it.
            for stale in (self.data / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
                stale.unlink(missing_ok=True)
            return self._launch(gate)
        finally:
            # Not unlocked, only closed: the lock now belongs to the server.
            os.close(gate)

    def _launch(self, gate: int) -> int:
        self.trim_log()
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            begin = os.fstat(log).st_size
            # The shell leaves at once, so the server is not our child and leaves no zombie here.
            detach = ["/bin/sh", "-c", '"$0" "$@" </dev/null &']
            settings = f"config_file={self.cluster.home / 'postgresql.conf'}"
            postgres = programs.reachable_binaries() / "postgres"
            command: list[str | Path] = [*detach, postgres, "-D", self.data, "-c", settings]
            programs.run_program(command, uid=self.cluster.uid, gate=gate, output=log)
            return begin
        finally:
            os.close(log)

    def _logged_since(self, begin: int) -> bytes:
        try:
            return self.log.read_bytes()[begin:]
        except OSError:
            return b""


class _Status(NamedTuple):
    """What a server says of itself in postmaster.pid."""

    pid: int
    socket: Path
    state: str


def running_at(data: Path) -> Path | None:
    """The folder of the socket when a server of this data folder accepts connections."""
    status = _status(data)
    if status is None or status.state != "ready":
        return None
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(status.socket))
        except OSError:
            return None
    return status.socket.parent


def server_pid(data: Path) -> int | None:
    """The pid of the server of this data folder, in whatever state; None when it is dead."""
    status = _status(data)
    # The server works in its data folder; a process that got its old pid does not.
    if status is None or process_folder(status.pid) not in (str(data), ""):
        return None
    return status.pid


def _status(data: Path) -> _Status | None:
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid = abs(int(lines[0]))
    except (OSError, ValueError, IndexError):
        return None
    # The file grows line by line while the server starts.
    lines += [""] * (8 - len(lines))
    return _Status(pid, Path(lines[4]) / f".s.PGSQL.{lines[3]}", lines[7].strip())


def _pause() -> None:
    # Postgres announces readiness in a file: there is no event to wait for.
    threading.Event().wait(0.01)
