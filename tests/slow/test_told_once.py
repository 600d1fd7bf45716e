"""Runners are killed at any moment of calls that must not be made twice: nobody is told twice.

Not part of the ordinary run, because many kills take minutes. Run it by its path, with `-s` to see
what it says.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.conftest import Fleet
from tests.slow.telling_agents import CALLS
from tests.warm import Warmer

RUNS_AT = """
    SELECT r.pid FROM agent_tasks t JOIN task_runners r ON r.id = t.runner_id
    WHERE t.id = %s AND t.status = 'processing'
"""


class Listener(ThreadingHTTPServer):
    """Takes POSTs, slowly, and keeps what each said and under which key."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Ear)
        self.heard: list[tuple[str, str]] = []


class Ear(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Listener)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.heard.append((body, self.headers["Idempotency-Key"]))
        threading.Event().wait(0.02)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def listening() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def fleet(dsn: str, tmp_path: Path, warmer: Warmer) -> Iterator[Fleet]:
    made = Fleet(dsn, tmp_path, warmer)
    yield made
    made.end()


@pytest.mark.ci_slice
@pytest.mark.timeout(120)
@pytest.mark.parametrize("policy", ["fail", "repeat"])
def test_nobody_is_told_twice_in_three_kills(policy: str, fleet: Fleet) -> None:
    told_through_kills(fleet, policy, kills=3)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("policy", ["fail", "repeat"])
def test_nobody_is_told_twice_in_fifty_kills(policy: str, fleet: Fleet) -> None:
    told_through_kills(fleet, policy, kills=50)


def told_through_kills(fleet: Fleet, policy: str, *, kills: int) -> None:
    chance = random.Random(20261127)
    with listening() as server:
        port = server.server_address[1]
        agent = fleet.agent("telling")
        configuration = {
            "tools": ["http_request"],
            "allowed_domains": ["127.0.0.1"],
            "when_unknown": policy,
        }
        fleet.connection.execute(
            "UPDATE ai_agents SET configuration = %s WHERE id = %s",
            (json.dumps(configuration), agent),
        )
        _start(fleet, port)
        payload = json.dumps({"url": f"http://127.0.0.1:{port}/"})
        lasts_s = _trial(fleet, server, fleet.task(agent, payload), policy, None)[1]
        ends: Counter[str] = Counter()
        while ends.total() < kills:
            after_s = chance.uniform(0, lasts_s)
            hit, _ = _trial(fleet, server, fleet.task(agent, payload), policy, after_s)
            if hit is not None:
                ends[hit] += 1
    print(f"{policy}: {dict(ends)} of {kills} kills")


def _start(fleet: Fleet, port: int) -> None:
    fleet.start(
        "--import", "tests.slow.telling_agents", "--poll-interval", "0.5", OPPSPOT_LEASE="3",
        OPPSPOT_REACHABLE_NETWORKS="127.0.0.1/32", OPPSPOT_REACHABLE_PORTS=str(port),
    )  # fmt: skip


def _trial(
    fleet: Fleet, server: Listener, task: Any, policy: str, after_s: float | None
) -> tuple[str | None, float]:
    """How a task whose runner was killed ended, None where the kill came too late; and how long."""
    server.heard.clear()
    hit = False
    if after_s is not None:
        fleet.until(lambda: fleet.status(task) != "pending")
        threading.Event().wait(after_s)
        for row in fleet.all(RUNS_AT, (task,)):
            os.kill(row["pid"], signal.SIGKILL)
            hit = True
        if hit:
            _start(fleet, server.server_address[1])
    lasts_s = fleet.until(lambda: fleet.status(task) in ("completed", "failed"), within_s=60)
    _judge(fleet, server, task, policy, hit)
    return (fleet.status(task) if hit else None), lasts_s


def _judge(fleet: Fleet, server: Listener, task: Any, policy: str, hit: bool) -> None:
    keys = Counter(server.heard)
    times = Counter(body for body, _ in server.heard)
    assert len(keys) == len(times), "a call was made again with another key"
    row = fleet.one("SELECT status, error_message FROM agent_tasks WHERE id = %s", (task,))
    open_calls = fleet.all(
        "SELECT FROM tool_calls WHERE task_id = %s AND ended_at IS NULL", (task,)
    )
    if row["status"] == "failed":
        assert (policy, hit) == ("fail", True)
        assert row["error_message"].startswith("TOOL_END_UNKNOWN")
        assert len(open_calls) == 1
    else:
        assert len(times) == CALLS
        assert open_calls == []
    again = sum(times.values()) - len(times)
    assert again <= (1 if policy == "repeat" and hit else 0)
