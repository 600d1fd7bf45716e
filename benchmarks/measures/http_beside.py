"""What requests and followers of a runner that serves HTTP cost the tasks that it runs."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.request import urlopen
from uuid import UUID

import psycopg

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.contenders.ours import BEST_CONCURRENCY
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.processes import Watched
from benchmarks.rounds import alternate, compare

RATE, FOLLOWERS, SLOTS, WARM_UP = 50.0, 100, 3, 100
RUN = "INSERT INTO stream_runs (open_nodes) VALUES (1) RETURNING id::text"
TASK = "SELECT id::text FROM agent_tasks ORDER BY id LIMIT 1"
ENDED = "SELECT count(*) FROM agent_executions WHERE status = 'completed'"
DRAINED_S = 300.0
SETTLED_S = 1.0  # what a runner and its server do at a start or an end is over
ORDER = ("alone", "asked", "asked", "alone") * 2


def run(bench: Bench) -> Outcome:
    """Drains by a runner that serves HTTP and is not asked, or asked and followed meanwhile."""
    sizes = {
        "at most": (BEST_CONCURRENCY, bench.sizes.tasks),
        "at 3": (SLOTS, bench.sizes.tasks_at_three),
    }
    outcome = alternate(
        bench.rounds,
        {name: partial(_turns, bench, slots, tasks) for name, (slots, tasks) in sizes.items()},
    )
    for name in sizes:
        compare(
            outcome, f"asked / alone, {name}", f"{name}: asked, tasks/s", f"{name}: alone, tasks/s"
        )
    return outcome


def _turns(bench: Bench, slots: int, tasks: int) -> Figures:
    """One runner drains all of it alone and asked, in turns of a few seconds: what it, its tables
    or the machine become faster or slower by meanwhile is in both."""
    port, part = _free_port(), tasks // (len(ORDER) // 2)
    flags = ["--concurrency", str(slots), "--http", str(port)]
    with product.database(bench.server) as dsn:
        agent = product.add_agent(dsn)
        product.add_tasks(dsn, agent, WARM_UP)
        product.settle(dsn)
        with (
            product.running(dsn, *flags, OPPSPOT_HTTP_STREAMS=str(FOLLOWERS)) as runner,
            psycopg.connect(dsn, autocommit=True) as session,
        ):
            runner.wait_until(lambda: _ended(session) == WARM_UP, DRAINED_S)
            runner.wait_until(partial(_is_ready, port), DRAINED_S)
            seconds = dict.fromkeys(ORDER, 0.0)
            figures: dict[str, Any] = {}
            for who in ORDER:
                time.sleep(SETTLED_S)
                with _asking(dsn, port, figures) if who == "asked" else nullcontext():
                    seconds[who] += _drain(dsn, agent, part, runner, session)
    rates = {f"{who}, tasks/s": part * ORDER.count(who) / took for who, took in seconds.items()}
    return {**rates, **figures}


def _drain(
    dsn: str, agent: UUID, tasks: int, runner: Watched, session: psycopg.Connection[Any]
) -> float:
    """From the first start of so many tasks to the last end: seconds."""
    since, whole = product.clock(dsn), _ended(session) + tasks
    product.add_tasks(dsn, agent, tasks)
    runner.wait_until(lambda: _ended(session) == whole, DRAINED_S, every_s=0.25)
    return product.span(dsn, since).seconds


def _is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:  # nobody listens yet, or who does says that it only starts
        return False


def _ended(session: psycopg.Connection[Any]) -> int:
    row = session.execute(ENDED).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _asking(dsn: str, port: int, figures: dict[str, Any]) -> Iterator[None]:
    """Asks meanwhile; `figures` are what came of it."""
    run_id, task_id = product.value(dsn, RUN), product.value(dsn, TASK)
    told = {
        "host": "127.0.0.1",
        "port": port,
        "paths": ["/api/agents/task-runner", "/api/v1/tasks?limit=50", f"/api/v1/tasks/{task_id}"],
        "rate": RATE,
        "followed": [f"/api/v1/runs/{run_id}/events", "/api/v1/changes"] * (FOLLOWERS // 2),
    }
    command = [sys.executable, "-m", "benchmarks.asking"]
    with subprocess.Popen(
        command, cwd=product.ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as asker:
        assert asker.stdin is not None
        assert asker.stdout is not None
        asker.stdin.write(json.dumps(told) + "\n")
        asker.stdin.flush()
        if asker.stdout.readline() != "ready\n":
            raise RuntimeError("nobody could ask")
        yield
        said = json.loads(asker.communicate()[0])
    figures |= {"requests/s": said["asked"] / said["seconds"]}
    figures |= {"a request: p50 ms": said["p50"], "a request: p99 ms": said["p99"]}
    if said["wrong"] or not said["heard"]:
        raise RuntimeError(
            f"of {said['asked']} requests {said['wrong']} got another answer than 200"
        )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


MEASURE = Measure(
    "http-beside",
    "no-op tasks of a runner that answers 50 requests/s (status, list, task) and 100 followers",
    run,
    (Bound("asked / alone, at most", at_least=0.9), Bound("asked / alone, at 3", at_least=0.9)),
)
