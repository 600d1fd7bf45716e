"""What very many runners cost one database while there is nothing to do, and with a few tasks."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any
from uuid import UUID

import psycopg

from benchmarks import product, statements
from benchmarks import server as servers
from benchmarks.bench import Bench
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.rounds import alternate, compare
from benchmarks.server import Server

SHARES = (100, 10, 1)  # of the whole fleet: a hundredth of it, a tenth, all
RATE = 10.0  # tasks a second, one INSERT each
SPARE = 100  # connections beside those that listen
COST = "ms of Postgres per runner and second"
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
INSERT = "INSERT INTO agent_tasks (agent_id, task_type) VALUES (%s, 'agent_execution')"
STARTED = """
    SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY
        extract(epoch FROM started_at - created_at) * 1000), count(*)
    FROM agent_tasks WHERE started_at IS NOT NULL
"""


def run(bench: Bench) -> Outcome:
    """Fleets on a server of their own, which admits a connection for each listener."""
    most = bench.sizes.fleet
    sizes = sorted({max(most // share, 1) for share in SHARES})
    with servers.running(max_connections=str(most + SPARE), shared_buffers="256MB") as own:
        turns = {f"{size:,} runners": partial(_look_at, bench, own, size, size) for size in sizes}
        few = max(most // SHARES[1], 1)
        turns[f"{most:,} runners, {few:,} listen"] = partial(_look_at, bench, own, most, few)
        outcome = alternate(1, turns)
    whole, tenth = (f"{size:,} runners: {COST}" for size in (most, few))
    compare(outcome, "whole / tenth", whole, tenth)
    return outcome


def _look_at(bench: Bench, server: Server, size: int, listening: int) -> Figures:
    bench.say(f"  {size:,} runners, {listening:,} of them listen")
    with product.database(server) as dsn, psycopg.connect(dsn, autocommit=True) as session:
        agent = product.add_agent(dsn)
        with _fleet(dsn, size, listening) as fleet:
            time.sleep(bench.sizes.fleet_settle_s)  # until the first looks are over
            idle = _observe(server, dsn, partial(time.sleep, bench.sizes.fleet_s))
            connections = session.execute(CONNECTIONS).fetchone()
            busy = _observe(server, dsn, partial(_insert, session, agent, bench))
            (quantiles, count) = session.execute(STARTED).fetchone() or ((0, 0), 0)
            heard = _ask(fleet)["heard"]
    assert connections is not None
    if not count:
        raise RuntimeError("no task was started")
    return {
        "connections": float(connections[0]),
        **{f"idle: {name}": value for name, value in idle.items()},
        COST: idle["Postgres, % of a core"] * 10 / size,
        **{f"{RATE:g} tasks/s: {name}": value for name, value in busy.items()},
        f"{RATE:g} tasks/s: start p50 ms": float(quantiles[0]),
        f"{RATE:g} tasks/s: start p99 ms": float(quantiles[1]),
        "notifications heard/s": heard,
    }


def _insert(session: psycopg.Connection[Any], agent: UUID, bench: Bench) -> None:
    began, count = time.monotonic(), int(RATE * bench.sizes.fleet_s)
    for number in range(count):
        session.execute(INSERT, (agent,))
        time.sleep(max(began + (number + 1) / RATE - time.monotonic(), 0))


def _observe(server: Server, dsn: str, what: Callable[[], None]) -> Figures:
    """What the server does while something happens."""
    if seen := statements.are_seen(dsn):
        statements.reset(dsn)
    used_s, began = server.cpu_s(), time.monotonic()
    what()
    seconds = time.monotonic() - began
    figures = {"Postgres, % of a core": (server.cpu_s() - used_s) / seconds * 100}
    return {**figures, "statements/s": statements.calls(dsn) / seconds} if seen else figures


@contextmanager
def _fleet(dsn: str, runners: int, listening: int) -> Iterator[subprocess.Popen[str]]:
    told = {"dsn": dsn, "runners": runners, "listening": listening, "settings": {}}
    command = [sys.executable, "-m", "benchmarks.fleet"]
    with subprocess.Popen(
        command, cwd=product.ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as fleet:
        try:
            if _say(fleet, told) != "ready":
                raise RuntimeError("the fleet did not start")
            yield fleet
        finally:
            fleet.kill()


def _ask(fleet: subprocess.Popen[str]) -> dict[str, float]:
    said: dict[str, float] = json.loads(_say(fleet, None))
    return said


def _say(fleet: subprocess.Popen[str], told: dict[str, Any] | None) -> str:
    to, back = _pipes(fleet)
    to.write(json.dumps(told) + "\n")
    to.flush()
    return back.readline().strip()


def _pipes(fleet: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert fleet.stdin is not None
    assert fleet.stdout is not None
    return fleet.stdin, fleet.stdout


MEASURE = Measure(
    "fleet-size",
    "simulated runners with default settings on one database, idle and with a few tasks",
    run,
    (Bound("whole / tenth", at_most=2),),
)
