"""Hundreds follow one run through one process, are cut off, and come back: nobody misses anything.

Not part of the ordinary run, because it takes most of a minute. Run it by its path, with `-s` to
see what it cost.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest

from tests.daemon.conftest import Fleet, Process
from tests.daemon.test_http import answers, free_port
from tests.warm import Warmer

EVENTS = 100
EVERY_S = 0.02
CUT = 0.02  # how likely a client is cut off after an event
MOST_ENDING_S = 5.0
ADD = """
    SELECT add_run_events(
        ARRAY[(%s, 0, %s, NULL, NULL, NULL, NULL, '{"message": "m"}', NULL)::run_events])
"""
END = """
    UPDATE stream_runs SET status = 'completed', open_nodes = 0, finished_at = now() WHERE id = %s
"""


@pytest.fixture
def fleet(dsn: str, tmp_path: Path, warmer: Warmer) -> Iterator[Fleet]:
    made = Fleet(dsn, tmp_path, warmer)
    yield made
    made.end()


@dataclass
class Follower:
    """One client; `dice` decide when its connection is cut."""

    port: int
    run: UUID
    dice: random.Random
    seen: list[int] = field(default_factory=list)
    cuts: int = 0

    async def follow(self) -> None:
        """Comes back until nothing will come any more."""
        while await self._once():
            self.cuts += 1

    async def _once(self) -> bool:
        reader, writer = await connect(self.port, self.run, self.seen[-1] if self.seen else 0)
        try:
            if b" 204 " in await reader.readline():
                return False
            while line := await reader.readline():
                if line.startswith(b"id: "):
                    self.seen.append(int(line[4:]))
                    if self.dice.random() < CUT:
                        break
            return True
        finally:
            writer.transport.abort()


async def connect(port: int, run: UUID, after: int) -> tuple[StreamReader, StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /api/v1/runs/{run}/events HTTP/1.1\r\nHost: localhost\r\n"
        f"Accept: text/event-stream\r\nLast-Event-ID: {after}\r\n\r\n".encode()
    )
    return reader, writer


def serve(fleet: Fleet, port: int) -> Process:
    settings = fleet.environment(OPPSPOT_HTTP_STREAMS="10000")
    process = fleet.warmer.start("serve", "--http", str(port), env=settings)
    fleet.processes.append(process)
    fleet.until(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
    return process


def a_run(fleet: Fleet) -> UUID:
    run: UUID = fleet.one("INSERT INTO stream_runs (open_nodes) VALUES (1) RETURNING id")["id"]
    return run


def memory_mb(pid: int) -> float:
    (line,) = (
        one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in one
    )
    return int(line.split()[1]) / 1024


async def tell(fleet: Fleet, run: UUID) -> None:
    for _ in range(EVENTS):
        await asyncio.to_thread(fleet.all, ADD, (run, "log"))
        await asyncio.sleep(EVERY_S)
    await asyncio.to_thread(fleet.connection.execute, END, (run,))
    if not fleet.all("SELECT FROM run_events WHERE run_id = %s AND type = 'completed'", (run,)):
        await asyncio.to_thread(fleet.all, ADD, (run, "completed"))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("count", [pytest.param(50, marks=pytest.mark.ci_slice), 500])
async def test_followers_who_are_cut_off_get_everything_once_and_in_order(
    fleet: Fleet, count: int
) -> None:
    port, seed = free_port(), random.randrange(2**32)
    process = serve(fleet, port)
    run, before_mb = a_run(fleet), memory_mb(process.pid)
    followers = [Follower(port, run, random.Random(seed + number)) for number in range(count)]
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for follower in followers:
            group.create_task(follower.follow())
        group.create_task(tell(fleet, run))
    took_s, grown_mb = time.monotonic() - began, memory_mb(process.pid) - before_mb
    stored = fleet.all("SELECT seq FROM run_events WHERE run_id = %s ORDER BY seq", (run,))
    wanted = [row["seq"] for row in stored]
    assert len(wanted) == EVENTS + 1
    for follower in followers:
        assert follower.seen == wanted, f"seed {seed}"
    cuts = sum(follower.cuts for follower in followers)
    print(f"{count} followers, {cuts} cuts: {took_s:.1f} s, {grown_mb:.1f} MB more")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("count", [pytest.param(50, marks=pytest.mark.ci_slice), 500])
async def test_a_process_ends_in_time_with_streams_open_and_each_in_good_order(
    fleet: Fleet, count: int
) -> None:
    port = free_port()
    process, run = serve(fleet, port), a_run(fleet)
    lines = [await connect(port, run, 0) for _ in range(count)]
    heads = [await reader.readuntil(b"\r\n\r\n") for reader, _ in lines]
    assert {head.split(b"\r\n")[0] for head in heads} == {b"HTTP/1.1 200 OK"}
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    for reader, writer in lines:
        assert (await reader.read()).endswith(b"0\r\n\r\n")
        writer.close()
    assert await asyncio.to_thread(process.wait, 10) == 0
    took_s = time.monotonic() - began
    print(f"{count} streams ended in {took_s:.1f} s")
    assert took_s < MOST_ENDING_S
