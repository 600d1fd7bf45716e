"""The folders of an embedded server: whose they are, who may enter, one lock for all changes.

    <folder>/              the owner's alone (root's: others may pass through, not look)
        lock               held while the server or the list of users changes
        server.lock        held by the server and its children for as long as one of them lives
        users.json         `embedded_users`
        server.log
        secret_key             what API keys of agents are encrypted under, if one was stored
        server/            or a link to a folder outside, see `home_of`
            data/ run/ postgresql.conf pg_hba.conf pg_ident.conf

Does not start or stop anything.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from oppspot_runner.base.errors import ConfigurationError

SHELTER = Path("/var/lib/oppspot-runner-0")
# A socket address holds 108 bytes with its closing zero; Postgres adds "/.s.PGSQL.5432".
LONGEST_SOCKET_FOLDER = 107 - 15
_NAME = "x" * 12
_OURS = {
    "lock",
    "server.lock",
    "users.json",
    "users.json.new",
    "server.log",
    "server",
    "secret_key",
}


def prepare_folder(folder: Path) -> Path:
    """Create the folder, or check that it is ours; the folder without links, closed to others.

    Raises ConfigurationError when it belongs to somebody else or holds somebody's other files.
    """
    folder = folder.expanduser().resolve()
    if not str(folder).isprintable():
        raise ConfigurationError(f"the folder name {str(folder)!r} holds characters we cannot use")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise ConfigurationError(
            f"the folder {folder} belongs to user {owner}, this process to user {os.geteuid()}",
            hint="Run as that user, choose another folder by XDG_DATA_HOME, or set DATABASE_URL.",
        )
    names = set(os.listdir(folder))
    if names and "lock" not in names and not names <= _OURS:
        raise ConfigurationError(
            f"the folder {folder} holds other files",
            hint="Name a folder that is empty or does not exist yet.",
        )
    folder.chmod(0o711 if runs_as_root() and open_to_others(folder.parent) else 0o700)
    return folder


def runs_as_root() -> bool:
    """Whether this process is root, as whom Postgres refuses to run."""
    return os.geteuid() == 0


def open_to_others(path: Path) -> bool:
    """Whether a user who is neither owner nor in the group gets to `path`, by mode bits."""
    resolved = path.resolve()
    return all(step.stat().st_mode & stat.S_IXOTH for step in [resolved, *resolved.parents])


def home_of(folder: Path) -> Path:
    """The folder of the server's own files, created on first use. Callers hold the lock.

    It is `<folder>/server`. For root the server runs as an unprivileged user, who cannot pass
    through a closed folder such as root's home; then it is a new folder in SHELTER and
    `<folder>/server` a link to it. Raises ConfigurationError when the link leads nowhere.
    """
    home = folder / "server"
    if home.is_symlink() and not home.exists():
        raise ConfigurationError(
            f"the data of {folder} were in {os.readlink(home)}, which is gone",
            hint=f"Bring it back, or remove {folder} to begin with an empty database.",
        )
    if home.exists():
        return home.resolve()
    if runs_as_root() and not open_to_others(folder):
        outside = Path(tempfile.mkdtemp(prefix="postgres-", dir=shelter()))
        outside.chmod(0o711)
        home.symlink_to(outside)
        return outside
    home.mkdir(mode=0o700)
    home.chmod(0o711 if runs_as_root() else 0o700)
    return home


def shelter() -> Path:
    """Root's place for what an unprivileged server must reach; others may only pass through.

    Raises ConfigurationError when it cannot be had.
    """
    try:
        SHELTER.mkdir(mode=0o711, parents=True, exist_ok=True)
        _check_owned(SHELTER, forbidden=0o022)
        SHELTER.chmod(0o711)
    except OSError as error:
        raise ConfigurationError(
            f"root's private Postgres runs as an unprivileged user, who can reach neither root's"
            f" home nor {SHELTER}: {error}",
            hint="Set XDG_DATA_HOME to a folder others may pass through, or set DATABASE_URL.",
        ) from error
    return SHELTER


def socket_folder(home: Path) -> Path:
    """Where the server puts its socket: in `home`, or elsewhere when that path is too long.

    Elsewhere is a closed folder of this user in XDG_RUNTIME_DIR or the folder for temporary files.
    Raises ConfigurationError when such a folder exists and is not this user's alone.
    """
    wanted = home / "run"
    if not _fits(wanted):
        name = hashlib.sha256(os.fsencode(home)).hexdigest()
        wanted = _short_base() / name[: len(_NAME)]
        if not _fits(wanted):
            raise ConfigurationError(f"no place for a socket: {wanted} is too long")
    wanted.mkdir(mode=0o700, exist_ok=True)
    return wanted


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER


def _short_base() -> Path:
    if runs_as_root():
        return shelter()
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    base = runtime / "oppspot-runner"
    # After `su` the variable may still name the folder of another user: then it is no place for us.
    if not (runtime.is_absolute() and _fits(base / _NAME) and _is_owned(runtime, forbidden=0o077)):
        base = Path(tempfile.gettempdir()) / f"oppspot-runner-{os.geteuid()}"
        base = base if _fits(base / _NAME) else Path("/tmp") / base.name  # noqa: S108
    base.mkdir(mode=0o700, exist_ok=True)
    _check_owned(base, forbidden=0o077)
    return base


def _is_owned(folder: Path, *, forbidden: int) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    closed = stat.S_ISDIR(found.st_mode) and not found.st_mode & forbidden
    return closed and found.st_uid == os.geteuid()


def _check_owned(folder: Path, *, forbidden: int) -> None:
    if not _is_owned(folder, forbidden=forbidden):
        found = folder.lstat()
        raise ConfigurationError(
            f"{folder} must be a folder of user {os.geteuid()} that nobody else may change;"
            f" it is {stat.filemode(found.st_mode)} of user {found.st_uid}",
            hint="Somebody may have put it there on purpose. Look at it, then remove it.",
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, waiting for it. Other processes and other threads are kept out.

    Raises FileNotFoundError when the folder is gone.
    """
    held = take_lock(folder / "lock", wait=True)
    assert held is not None
    try:
        yield
    finally:
        # Unlocking, not only closing: a process forked meanwhile would keep it locked.
        fcntl.flock(held, fcntl.LOCK_UN)
        os.close(held)


def take_lock(path: Path, *, wait: bool) -> int | None:
    """Lock a file, created if need be, and give its descriptor; None when it is taken."""
    while True:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            return None
        except BaseException:
            os.close(held)
            raise
        # The folder may have been removed while we waited: a lock on a removed file locks nothing.
        if path.exists() and os.path.samestat(os.fstat(held), path.stat()):
            return held
        os.close(held)


def own_secret(folder: Path) -> str:
    """32 random bytes in URL-safe base64 that the folder keeps, made when it is asked first."""
    file = prepare_folder(folder) / "secret_key"
    if not file.exists():
        fresh, name = tempfile.mkstemp(dir=file.parent)  # readable by us alone
        with os.fdopen(fresh, "wb") as stream:
            stream.write(urlsafe_b64encode(os.urandom(32)))
        with suppress(FileExistsError):  # another process was faster
            os.link(name, file)
        os.unlink(name)
    return file.read_text(encoding="ascii")
