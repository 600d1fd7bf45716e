"""Who asks a runner by HTTP while it works: `python -m benchmarks.asking`, told by JSON on stdin.

Plain sockets, so that asking costs the machine as little as can be. Says "ready" once all follow;
when stdin ends, says as JSON what came of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

ASKERS = 10  # each on a connection of its own
LATE_S = 0.5


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

    async def run(self) -> None:
        """Until stdin ends."""
        async with asyncio.TaskGroup() as group:
            lines = [await self._open(path) for path in self.followed]
            followers = [group.create_task(self._follow(reader)) for reader, _ in lines]
            askers = [group.create_task(self._ask(place)) for place in range(ASKERS)]
            print("ready", flush=True)
            began = time.monotonic()
            await asyncio.to_thread(sys.stdin.read)
            self.seconds = time.monotonic() - began
            for task in (*askers, *followers):
                task.cancel()
        print(json.dumps(self.said()), flush=True)

    def said(self) -> dict[str, float]:
        """What came of it."""
        cuts = quantiles(self.took_ms, n=100, method="inclusive")
        counts = {"asked": len(self.took_ms), "wrong": self.wrong, "heard": self.heard}
        return {**counts, "seconds": self.seconds, "p50": cuts[49], "p99": cuts[98]}

    async def _open(self, path: str) -> tuple[StreamReader, StreamWriter]:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(self._request(path, "text/event-stream"))
        await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    async def _follow(self, reader: StreamReader) -> None:
        while data := await reader.read(65_536):
            self.heard += data.count(b"data: ")

    async def _ask(self, place: int) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        due = time.monotonic() + place / self.rate  # one after the other, not ten at once
        await asyncio.sleep(place / self.rate)
        while True:
            for path in self.paths:
                began = time.monotonic()
                writer.write(self._request(path, "application/json"))
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                self.wrong += not head.startswith(b"HTTP/1.1 200")
                self.took_ms.append(1000 * (time.monotonic() - began))
                due = max(due + ASKERS / self.rate, time.monotonic() - LATE_S)
                await asyncio.sleep(due - time.monotonic())

    def _request(self, path: str, accept: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nAccept: {accept}\r\n\r\n".encode()


def main() -> None:
    """Reads what to ask, and asks."""
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    asyncio.run(Asking(**told).run())


if __name__ == "__main__":
    main()
