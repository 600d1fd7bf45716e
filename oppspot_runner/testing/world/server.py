"""The server of the world: reads requests, and writes replies with what is wrong in them."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Protocol
from urllib.parse import urlsplit

from oppspot_runner.testing.world.exchange import Reply, Request, Seen, json_reply
from oppspot_runner.testing.world.faults import Fault

DRIP_S = 0.1  # between two bytes
MOST_BODY = 1024 * 1024


class Answering(Protocol):
    """What is behind the server."""

    @property
    def log(self) -> list[Seen]: ...

    def answer(self, host: str, request: Request) -> tuple[Reply, Fault | None]: ...

    def fault(self, prefix: str, **more: Any) -> None: ...

    def reset(self) -> None: ...


class WorldServer(ThreadingHTTPServer):
    """A thread for each connection; all of them end with the server."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, world: Answering, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.world = world
        self.ending = Event()
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        self._thread = Thread(target=self.serve_forever, args=(0.05,), name="world")

    def begin(self) -> None:
        """Answers from now on."""
        self._thread.start()

    def end(self) -> None:
        """Breaks all connections and waits for their threads."""
        self.ending.set()
        self.shutdown()
        self._thread.join()
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def opened(self, connection: socket.socket) -> None:
        """A connection that `end` has to break."""
        with self._lock:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """A connection that is no more."""
        with self._lock:
            self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of clients that went away: they do so all the time."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: WorldServer

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        super().finish()

    def do_GET(self) -> None:
        """Answers from the world."""
        if self.path == "/_log":
            self._write(json_reply([_shown(one) for one in self.server.world.log]))
        else:
            self._answer(b"")

    def do_POST(self) -> None:
        """Answers from the world, or changes it."""
        length = self.headers.get("content-length", "0")
        body = self.rfile.read(min(int(length), MOST_BODY)) if length.isdecimal() else b""
        match self.path:
            case "/_fault":
                self._write(self._fault(body))
            case "/_reset":
                self.server.world.reset()
                self._write(json_reply({"reset": True}))
            case _:
                self._answer(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Writes nothing: the world has a log of its own."""

    def _fault(self, body: bytes) -> Reply:
        try:
            self.server.world.fault(**json.loads(body))
        except (TypeError, ValueError) as error:
            return json_reply({"error": f"that describes no fault: {error}"}, 400)
        return json_reply({"added": True})

    def _answer(self, body: bytes) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, url.path, url.query, headers, body)
        reply, fault = self.server.world.answer(headers.get("host", ""), request)
        if fault and fault.delay_s:
            self.server.ending.wait(fault.delay_s)
        self._write(reply, fault.truncate if fault else None)

    def _write(self, reply: Reply, most: int | None = None) -> None:
        """The reply, or the first `most` bytes of its body, and then the connection breaks."""
        self.send_response_only(reply.status)  # what serves a site is for the site to say
        self.send_header("Date", self.date_time_string())
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        body = reply.body if most is None else reply.body[:most]
        if reply.drip:
            self._drip(body)
        else:
            self.wfile.write(body)
        if most is not None:
            self.close_connection = True

    def _drip(self, body: bytes) -> None:
        for byte in body:
            if self.server.ending.wait(DRIP_S):
                self.close_connection = True
                return
            self.wfile.write(bytes([byte]))


def _shown(one: Seen) -> dict[str, Any]:
    return {
        "method": one.method,
        "host": one.host,
        "path": one.path,
        "query": one.query,
        "headers": dict(one.headers),
        "at": one.at.isoformat(),
    }
