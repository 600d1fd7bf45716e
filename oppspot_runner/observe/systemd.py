"""The service manager's notification protocol: one datagram to $NOTIFY_SOCKET.

Without that variable nothing is sent. See sd_notify(3).
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify(state: str) -> bool:
    """Sends `state`, for example READY=1; whether there was somebody to send it to."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(address)
        channel.sendall(state.encode())
        return True
    return False


def watchdog_s() -> float | None:
    """Seconds within which the service manager wants a sign of life; None when it wants none."""
    asked, pid = os.environ.get("WATCHDOG_USEC"), os.environ.get("WATCHDOG_PID")
    if not asked or not asked.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return int(asked) / 1_000_000 or None
