"""Who asks a runner by HTTP while it works: `python -m benchmarks.asking`, told by JSON on stdin.

One thread, plain sockets and no event loop, so that asking costs the machine as little as can be.
Says "ready" once all follow; when stdin ends, says as JSON what came of it.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

ASKERS = 10  # each on a connection of its own
LATE_S = 0.5
AT_ONCE = 65_536


@dataclass
class Asker:
    """A connection that asks for one thing after the other."""

    line: socket.socket
    due: float
    began: float = 0.0  # of the request whose answer it waits for; 0: of none
    came: bytes = b""

    def ask(self, request: bytes) -> None:
        """Sends a request."""
        self.came, self.began = b"", time.monotonic()
        self.line.sendall(request)

    def has_answer(self) -> bool:
        """Takes what came; whether the answer is whole."""
        self.came += _part(self.line)
        head, _, body = self.came.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return bool(length) and len(body) >= int(length)


@dataclass
class Asking:
    """Asks for `paths` in turn, `rate` times a second, and follows each of `followed`."""

    host: str
    port: int
    paths: list[str]
    rate: float
    followed: list[str]
    took_ms: list[float] = field(default_factory=list)
    wrong: int = 0
    heard: int = 0
    seconds: float = 0.0

    def run(self) -> None:
        """Until stdin ends."""
        followers = [self._follower(path) for path in self.followed]
        began = time.monotonic()  # and then one after the other, not ten at once
        askers = [Asker(self._connected(), began + at / self.rate) for at in range(ASKERS)]
        requests = [self._request(path, "application/json") for path in self.paths]
        turns = [islice(cycle(requests), at % len(requests), None) for at in range(ASKERS)]
        print("ready", flush=True)
        with selectors.DefaultSelector() as selector:
            selector.register(sys.stdin, selectors.EVENT_READ)
            for follower in followers:
                selector.register(follower, selectors.EVENT_READ, follower)
            for asker in askers:
                selector.register(asker.line, selectors.EVENT_READ, asker)
            while self._heard(selector, _next(askers)):
                for asker, turn in zip(askers, turns, strict=True):
                    if not asker.began and asker.due <= time.monotonic():
                        asker.ask(next(turn))
        self.seconds = time.monotonic() - began
        print(json.dumps(self.said()), flush=True)

    def said(self) -> dict[str, Any]:
        """What came of it."""
        counts = {"wrong": self.wrong, "heard": self.heard}
        return {**counts, "seconds": self.seconds, "took_ms": self.took_ms}

    def _heard(self, selector: selectors.BaseSelector, due: float) -> bool:
        """Takes what comes until `due`; whether to go on."""
        for key, _ in selector.select(max(due - time.monotonic(), 0)):
            match key.data:
                case None:
                    return False
                case Asker() as asker:
                    if asker.has_answer():
                        self._note(asker)
                case follower:
                    self.heard += _part(follower).count(b"data: ")
        return True

    def _note(self, asker: Asker) -> None:
        now = time.monotonic()
        self.wrong += not asker.came.startswith(b"HTTP/1.1 200")
        self.took_ms.append(1000 * (now - asker.began))
        asker.began, asker.due = 0.0, max(asker.due + ASKERS / self.rate, now - LATE_S)

    def _connected(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=60)

    def _follower(self, path: str) -> socket.socket:
        line = self._connected()
        line.sendall(self._request(path, "text/event-stream"))
        if not line.recv(AT_ONCE).startswith(b"HTTP/1.1 200"):
            raise ConnectionError(f"{path} cannot be followed")
        return line

    def _request(self, path: str, accept: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nAccept: {accept}\r\n\r\n".encode()


def _next(askers: list[Asker]) -> float:
    """When the next request is due."""
    return min((one.due for one in askers if not one.began), default=time.monotonic() + LATE_S)


def _part(line: socket.socket) -> bytes:
    part = line.recv(AT_ONCE)
    if not part:
        raise ConnectionError("the server hung up")
    return part


def main() -> None:
    """Reads what to ask, and asks."""
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    Asking(**told).run()


if __name__ == "__main__":
    main()
