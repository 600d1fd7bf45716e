"""How a runner that cannot go on leaves its process, or starts it anew."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import structlog

START_ME_AGAIN = 75  # EX_TEMPFAIL of sysexits(3): it may be well the next time


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
    os.execv(sys.executable, without_ready_fd(sys.orig_argv))  # noqa: S606 - ourselves


def without_ready_fd(arguments: list[str]) -> list[str]:
    """The command line without the pipe to a parent that has heard of us already."""
    if "--ready-fd" not in arguments:
        return list(arguments)
    place = arguments.index("--ready-fd")
    return arguments[:place] + arguments[place + 2 :]
