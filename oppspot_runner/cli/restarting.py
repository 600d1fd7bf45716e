"""A runner that cannot go on starts its process anew."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import structlog

START_ME_AGAIN = 75  # EX_TEMPFAIL of sysexits(3): it may be well the next time


def start_again(reason: str) -> NoReturn:
    """Leaves this program at once, from any thread: nothing else of it is to be trusted.

    Under systemd the process ends with exit code 75, so that the unit starts it again and sweeps up
    what is left in it. Everywhere else there may be nobody who does: the same process, with its
    number, becomes a new program.
    """
    supervised = bool(os.environ.get("NOTIFY_SOCKET"))
    structlog.get_logger().error(
        "the runner starts anew", reason=reason, by="exit code 75" if supervised else "exec"
    )
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
