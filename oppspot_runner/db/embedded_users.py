"""Which processes use an embedded server: a list of pids with their start times.

A process that was killed never signs off, and its pid may belong to somebody else by now. So a user
is a pid and the moment that process started; whoever reads the list leaves out those that are gone.
Does not lock: callers that write hold the lock of `embedded_files`.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

LIST = "users.json"

_signed_on: set[Path] = set()


class User(NamedTuple):
    """A process that uses the server; `started` is opaque and only compared."""

    pid: int
    started: str


def add_user(folder: Path) -> User:
    """Sign this process on, once more if it is on the list already.

    What this process signed when it ran another program (exec) is gone with that program.
    """
    user = User(os.getpid(), process_started(os.getpid()) or "")
    others = live_users(folder)
    if folder not in _signed_on:
        _signed_on.add(folder)
        others = [one for one in others if one != user]
    _write(folder, [*others, user])
    return user


def remove_user(folder: Path, user: User) -> list[User]:
    """Sign one entry off; those that are left.

    A list that cannot be written, on a full disk say, stops nobody: the entry of a process that has
    ended counts for nothing.
    """
    left = live_users(folder)
    if user in left:
        left.remove(user)
    try:
        _write(folder, left)
    except OSError:
        return left
    return left


def live_users(folder: Path) -> list[User]:
    """The users whose process still runs, in the order they came. A process may be there twice."""
    return [user for user in _read(folder) if process_started(user.pid) == user.started]


def process_started(pid: int) -> str | None:
    """When the process started, as an opaque text; None when it has ended, reaped or not."""
    if not os.path.exists("/proc/self/stat"):
        return _started_by_ps(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    # proc(5): after the name, which may hold anything, come the state and, 19 later, the start.
    state, started = fields[0], fields[19]
    return None if state in (b"Z", b"X") else f"{_boot()}/{started.decode()}"


@cache
def _boot() -> str:
    # Start times count from the boot, so they repeat after the next one.
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def process_folder(pid: int) -> str | None:
    """The working folder of a live process of ours; None when there is none; "" where unknown."""
    if process_started(pid) is None:
        return None
    if os.path.exists("/proc/self/cwd"):
        try:
            return os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            return None
    return "" if "postgres" in _ps(pid, "comm=") else None


def _started_by_ps(pid: int) -> str | None:
    state, _, started = _ps(pid, "state=,lstart=").partition(" ")
    return None if state[:1] in ("", "Z") else started.strip()


def _ps(pid: int, columns: str) -> str:
    # For systems without /proc.
    command = ["ps", "-o", columns, "-p", str(pid)]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def _read(folder: Path) -> list[User]:
    try:
        rows = json.loads((folder / LIST).read_bytes())
        return [User(int(pid), str(started)) for pid, started in rows]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError):
        # Replaced as a whole, so only a power cut leaves a torn list, and that leaves no users.
        return []


def _write(folder: Path, users: list[User]) -> None:
    if not users:
        (folder / LIST).unlink(missing_ok=True)
        return
    fresh = folder / f"{LIST}.new"
    with open(fresh, "w", encoding="ascii", opener=_private) as file:
        json.dump(users, file)
    os.replace(fresh, folder / LIST)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
