"""The private Postgres for those who have no DATABASE_URL: started on demand, shared, stopped last.

    with embedded.acquire() as server:
        psycopg.connect(server.dsn)

Every process that uses it acquires it; the first one starts the server, the last one that releases
it, or just ends, stops it. A process that was killed is found missing by the next, which also takes
over the server it left. The server outlives its starter and hears none of the terminal's signals.

Only the system user that owns the folder may connect, by a Unix socket: peer authentication maps
that user to the role `oppspot`, superuser of this server, and nobody else to anything. For root
the server runs as an unprivileged user id, and when root's folder is closed to that user, as
root's home is, the data live in /var/lib/oppspot-runner-0, where `<folder>/server` points.

One folder belongs to one machine. Does not migrate, and opens no connection itself.
"""

from __future__ import annotations

import atexit
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from oppspot_runner.base.errors import ConfigurationError, ConflictError, OppspotError
from oppspot_runner.db.embedded_cluster import NAME
from oppspot_runner.db.embedded_files import locked, prepare_folder, socket_folder
from oppspot_runner.db.embedded_programs import binaries, is_installed
from oppspot_runner.db.embedded_server import Server, running_at, server_pid
from oppspot_runner.db.embedded_users import User, add_user, live_users, remove_user

__all__ = [
    "EmbeddedPostgres",
    "acquire",
    "binaries",
    "default_folder",
    "find_running",
    "is_installed",
    "remove",
    "users",
]


class EmbeddedPostgres:
    """This process's share in a running server, from `acquire`; a context manager.

    `dsn` is a URL any libpq client understands, `folder` the place of the data. A forked child has
    no share in it: it acquires its own, best before its parent ends.
    """

    def __init__(self, folder: Path, dsn: str, user: User) -> None:
        self.folder = folder
        self.dsn = dsn
        self._user: User | None = user
        atexit.register(self._release_at_exit)

    def release(self) -> None:
        """Give the share back; the last one stops the server. Harmless when repeated.

        Raises DatabaseError when the server does not stop.
        """
        user, self._user = self._user, None
        if user is None or user.pid != os.getpid():
            return
        atexit.unregister(self._release_at_exit)
        # The folder may have been deleted by hand: then there is nothing to give back.
        with suppress(FileNotFoundError), locked(self.folder):
            if not remove_user(self.folder, user):
                Server(self.folder).stop()

    def revive(self) -> bool:
        """Start the server again if it is gone, killed say; whether it was. Blocks.

        Without its data it stays away: an empty database would not be the one that was lost.
        Raises as `acquire`.
        """
        data = _data_of(self.folder)
        if server_pid(data) is not None or not data.is_dir():
            return False
        with locked(self.folder):
            if self._user is None or running_at(data) is not None:
                return False
            Server(self.folder).ensure()
        return True

    def trim_log(self) -> None:
        """Shorten the server's log if it has grown beyond 4 MB; `acquire` does so, too."""
        with locked(self.folder):
            Server(self.folder).trim_log()

    def _release_at_exit(self) -> None:
        # Nobody is left to be told; the next process finds the server and stops it.
        with suppress(OppspotError, OSError):
            self.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def default_folder() -> Path:
    """`oppspot-runner/postgres` in XDG_DATA_HOME, or in ~/.local/share."""
    data_home = Path(os.environ.get("XDG_DATA_HOME", ""))
    if not data_home.is_absolute():
        try:
            data_home = Path.home() / ".local" / "share"
        except RuntimeError as error:
            raise ConfigurationError(
                "this user has no home folder for the embedded Postgres",
                hint="Set XDG_DATA_HOME, or set DATABASE_URL.",
            ) from error
    return data_home / "oppspot-runner" / "postgres"


def acquire(folder: Path | None = None) -> EmbeddedPostgres:
    """A share in the server of `folder`, which is created and started if need be. Blocks.

    Raises ConfigurationError (no wheel, a folder that cannot be used, another major version) and
    DatabaseError (the server does not start), both with what to do or where to read on.
    """
    binaries()
    wanted = folder or default_folder()
    with _explained(wanted):
        found = prepare_folder(wanted)
        with locked(found):
            server = Server(found)
            try:
                dsn = _dsn(server.ensure())
                return EmbeddedPostgres(found, dsn, add_user(found))
            except (KeyboardInterrupt, OSError):
                # Interrupted half-way: leave no server that nobody has signed on to.
                if not live_users(found):
                    server.stop()
                raise


def find_running(folder: Path | None = None) -> str | None:
    """The dsn of the live server of `folder`, None when there is none for us. Changes nothing."""
    sockets = running_at(_data_of((folder or default_folder()).expanduser()))
    return _dsn(sockets) if sockets else None


def users(folder: Path | None = None) -> list[int]:
    """The pids of the live processes that share the server of `folder`, each once, ascending."""
    where = (folder or default_folder()).expanduser()
    with _explained(where):
        return sorted({user.pid for user in live_users(where)})


def remove(folder: Path | None = None) -> None:
    """Delete the folder with all its data; without one, do nothing.

    Raises ConflictError while a process uses the server.
    """
    wanted = (folder or default_folder()).expanduser()
    with _explained(wanted):
        if not wanted.exists():
            return
        found = prepare_folder(wanted)
        with locked(found):
            if pids := users(found):
                raise ConflictError(
                    f"the embedded Postgres in {found} is in use by process"
                    f" {', '.join(map(str, pids))}",
                    hint="Stop what uses it first.",
                )
            if (found / "server").exists():
                server = Server(found)
                server.stop()
                shutil.rmtree(socket_folder(server.cluster.home))
                shutil.rmtree(server.cluster.home)
            shutil.rmtree(found)


def _data_of(folder: Path) -> Path:
    return (folder / "server").resolve() / "data"


def _dsn(sockets: Path) -> str:
    # The port, because libpq would else take it from PGPORT.
    return f"postgresql://{NAME}@/{NAME}?host={quote(str(sockets), safe='')}&port=5432"


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"the embedded Postgres cannot use the folder {folder}: {error}",
            hint="Set XDG_DATA_HOME to a folder that you may write to, or set DATABASE_URL.",
        ) from error
