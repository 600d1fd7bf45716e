"""`start --detach`: the daemon in a session of its own, once it takes tasks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from oppspot_runner.base.errors import ConfigurationError, ConflictError
from oppspot_runner.cli.program import program

LOG_TAIL = 5


def state_folder() -> Path:
    """Where pid and log of detached runners go: XDG_STATE_HOME, else ~/.local/state."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "oppspot-runner"


def detach(arguments: list[str], pid_file: Path, log_file: Path) -> int:
    """Starts `oppspot-runner start ARGUMENTS` in the background; its pid once it takes tasks.

    Raises ConflictError when the pid file names a living process, ConfigurationError with the
    last lines of the log when the daemon ended before it was ready.
    """
    refuse_second(pid_file)
    for folder in (pid_file.parent, log_file.parent):
        folder.mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    command = program("start", *arguments)
    with log_file.open("ab") as log:
        before = log.tell()  # what earlier runners said
        process = subprocess.Popen(
            [*command, "--ready-fd", str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(writing,),
        )
    os.close(writing)
    pid_file.write_text(f"{process.pid}\n")
    with os.fdopen(reading, "rb") as ready:
        if ready.read(1):
            return process.pid
    process.wait()
    pid_file.unlink(missing_ok=True)
    raise ConfigurationError(
        f"the daemon ended before it took tasks: {last_words(log_file, before)}",
        hint=f"Log: {log_file}",
    )


def refuse_second(pid_file: Path) -> None:
    """Raises ConflictError when `pid_file` names a process that lives."""
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return
    if not is_runner(pid):
        return
    raise ConflictError(
        f"a runner with that pid file is running already (pid {pid})",
        hint=f"Stop it, or name another file with --pid-file (this is {pid_file}).",
    )


def is_runner(pid: int) -> bool:
    """Whether `pid` is a living process of this program; a number may have been given anew."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return not Path("/proc/self").exists()  # without /proc the number has to do
    return state != "Z" and b"oppspot" in command


def last_words(log_file: Path, since: int) -> str:
    """The last lines of a log from the byte `since` on, as one."""
    lines = log_file.read_bytes()[since:].decode(errors="replace").splitlines()[-LOG_TAIL:]
    return " | ".join(line.strip() for line in lines if line.strip()) or "it said nothing"
