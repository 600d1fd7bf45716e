"""How a runner that cannot go on leaves its process, or starts it anew."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import structlog

START_ME_AGAIN = 75  # EX_TEMPFAIL of sysexits(3): it may be well the next time
MOST_ENDING_S = 2.0  # for children; they end much sooner, unless they hang
LOOK_S = 0.05

_children: set[int] = set()


@contextmanager
def ended_first(pid: int) -> Iterator[None]:
    """Meanwhile `pid` is a child that has to be gone before this process starts anew.

    It would keep what the new program wants to have, and be a child that the new one never had.
    """
    _children.add(pid)
    try:
        yield
    finally:
        _children.discard(pid)


def leave_process(reason: str, *, again: bool) -> NoReturn:
    """Leaves this program at once, from any thread: nothing else of it is to be trusted.

    With `again` it comes back. Under systemd the process ends with exit code 75, so that the unit
    starts it again and sweeps up what is left in it. Everywhere else there may be nobody who
    does: the same process, with its number, becomes a new program.
    """
    log = structlog.get_logger()
    if not again:
        log.error("the runner ends", reason=reason)
        sys.stderr.flush()
        os._exit(0)
    supervised = bool(os.environ.get("NOTIFY_SOCKET"))
    how = f"exit code {START_ME_AGAIN}" if supervised else "exec"
    log.error("the runner starts anew", reason=reason, by=how)
    sys.stderr.flush()
    if supervised:
        os._exit(START_ME_AGAIN)
    for pid in list(_children):
        _end(pid)
    os.execv(sys.executable, without_ready_fd(sys.orig_argv))  # noqa: S606 - ourselves


def _end(pid: int) -> None:
    """Ends a child, in good order if it can, and waits for it."""
    until = time.monotonic() + MOST_ENDING_S
    with suppress(ProcessLookupError, ChildProcessError):  # perhaps somebody else waited for it
        os.kill(pid, signal.SIGTERM)
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > until:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return
            threading.Event().wait(LOOK_S)


def without_ready_fd(arguments: list[str]) -> list[str]:
    """The command line without the pipe to a parent that has heard of us already."""
    if "--ready-fd" not in arguments:
        return list(arguments)
    place = arguments.index("--ready-fd")
    return arguments[:place] + arguments[place + 2 :]
