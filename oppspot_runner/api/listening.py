"""The socket that HTTP is served on. Whoever only keeps it needs nothing of a server."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from typing import Any

from oppspot_runner.base.errors import ConfigurationError

BACKLOG = 2048
LETTING_GO_S = 2.0
# A client that takes nothing of what it is sent for so long is gone.
SILENT_MS = 30_000


def listen(address: str) -> socket.socket:
    """A socket that listens at `address`, as host:port or port alone, which means this machine.

    Raises ConfigurationError when that cannot be.
    """
    host, _, port = address.rpartition(":")
    name = host.strip("[]") or "127.0.0.1"
    try:
        family, _, _, _, where = socket.getaddrinfo(name, int(port), type=socket.SOCK_STREAM)[0]
        listening = _served_from(where, family)
    except (OSError, OverflowError) as error:
        why = str(error)
        if isinstance(error, OSError) and error.errno:
            why = os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
        raise ConfigurationError(
            f"cannot serve HTTP at {address}: {why}",
            hint="Name another HOST:PORT with --http or OPPSPOT_HTTP.",
        ) from None
    drop_silent(listening)
    return listening


def _served_from(where: Any, family: int) -> socket.socket:
    """A socket there; worker processes of a runner that was killed still let go of theirs."""
    pause, until = threading.Event(), time.monotonic() + LETTING_GO_S
    while True:
        try:
            return socket.create_server(where, family=family, backlog=BACKLOG)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise
        pause.wait(LETTING_GO_S / 20)


def drop_silent(listening: socket.socket, after_ms: int = SILENT_MS) -> None:
    """Lets the system end connections, accepted from here, whose clients take nothing."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, after_ms)


def address_of(listening: socket.socket) -> str:
    """Where that is, for people and browsers."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
