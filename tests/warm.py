"""`oppspot-runner` as a process of its own, forked from one that has loaded all that it needs.

To load it takes 0.4 s of CPU, more than the rest of the life of most runners of tests. What is read
before a program begins (PYTHONPATH, flags of Python) needs a cold start.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
LONGEST_REQUEST = 200_000
PASSED_ON = (signal.SIGINT, signal.SIGHUP)  # ignored by a child where its parent ignores them


class Warm:
    """A process, with what `subprocess.Popen` has of it."""

    def __init__(self, pid: int, report: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._report = report

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._report.settimeout(timeout)
            try:
                status = int(self._report.recv(64))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("oppspot-runner", timeout or 0) from None
            self.returncode = os.waitstatus_to_exitcode(status)
            self._report.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Warmer:
    """Asks for processes."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control

    def start(
        self, *words: str, env: Mapping[str, str], files: tuple[int, int, int] = (0, 1, 2)
    ) -> Warm:
        """Starts `oppspot-runner` with these words, in the root of the repository."""
        ignored = [one for one in PASSED_ON if signal.getsignal(one) == signal.SIG_IGN]
        request = json.dumps({"words": words, "env": dict(env), "ignored": ignored})
        report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._control, [request.encode()], [theirs.fileno(), *files])
        return Warm(int(report.recv(64)), report)

    def run(
        self, *words: str, env: Mapping[str, str], timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Runs it to its end; what it said."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self.start(*words, env=env, files=(0, out.fileno(), err.fileno()))
            try:
                code = process.wait(timeout_s)
            finally:
                process.kill()
                process.wait()
            return subprocess.CompletedProcess(words, code, _text(out), _text(err))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@contextmanager
def warmer() -> Iterator[Warmer]:
    """What starts processes of one test session."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            words = [sys.executable, "-m", "tests.warm", str(theirs.fileno())]
            process = subprocess.Popen(words, cwd=ROOT, pass_fds=[theirs.fileno()])
        yield Warmer(ours)
    process.wait(10)


def load() -> None:
    """Everything that any command needs, and nothing that registers agents."""
    from oppspot_runner.cli.main import COMMANDS, HOME

    for module in {f"{HOME}.{module}" for module, *_ in COMMANDS.values()}:
        import_module(module)
    for module in ("cli.foreground", "app.wiring", "app.status"):
        import_module(f"oppspot_runner.{module}")
    gc.freeze()  # memory that nobody writes to is not copied


def serve(control: socket.socket) -> dict[str, Any] | None:
    """Forks for each request. Returns in each child, with its request; in the parent at the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while True:
        request, files, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 4)
        if not request:
            return None
        if os.fork() == 0:
            control.close()
            return _told_of(json.loads(request), *files)
        for file in files:
            os.close(file)


def _told_of(request: dict[str, Any], report: int, *files: int) -> dict[str, Any]:
    """Forks once more: the child returns; its parent tells of its number and of its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid:
        os.write(report, str(pid).encode())
        os.write(report, str(os.waitpid(pid, 0)[1]).encode())
        os._exit(0)
    os.close(report)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    for ignored in request["ignored"]:
        signal.signal(ignored, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    words = request["words"]
    sys.argv = ["oppspot-runner", *words]
    sys.orig_argv = [sys.executable, "-m", "oppspot_runner", *words]
    return request


if __name__ == "__main__":
    load()
    if serve(socket.socket(fileno=int(sys.argv[1]))) is not None:
        from oppspot_runner.cli.main import main

        main()
