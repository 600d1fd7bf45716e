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

import psycopg

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.contenders.ours import BEST_CONCURRENCY
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.rounds import alternate, compare

RATE, FOLLOWERS, SLOTS, WARM_UP = 50.0, 100, 3, 100
RUN = "INSERT INTO stream_runs (open_nodes) VALUES (1) RETURNING id::text"
TASK = "SELECT id::text FROM agent_tasks ORDER BY id LIMIT 1"
ENDED = "SELECT count(*) FROM agent_executions WHERE status = 'completed'"
DRAINED_S = 300.0
SETTLED_S = 2.0  # what a runner and its server do at their start is over


def run(bench: Bench) -> Outcome:
    """Drains by a runner that nobody asks, and by one that is asked and followed meanwhile."""
    sizes = {
        "at most": (BEST_CONCURRENCY, bench.sizes.tasks),
        "at 3": (SLOTS, bench.sizes.tasks_at_three),
    }
    outcome = alternate(
        bench.rounds,
        {
            f"{who} {name}": partial(_drain, bench, slots, tasks, asked=who == "asked")
            for name, (slots, tasks) in sizes.items()
            for who in ("alone", "asked")
        },
    )
    for name in sizes:
        compare(
            outcome, f"asked / alone, {name}", f"asked {name}: tasks/s", f"alone {name}: tasks/s"
        )
    return outcome


def _drain(bench: Bench, slots: int, tasks: int, *, asked: bool) -> Figures:
    port = _free_port()
    with product.database(bench.server) as dsn:
        agent = product.add_agent(dsn)
        product.add_tasks(dsn, agent, WARM_UP)
        product.settle(dsn)
        flags = ["--concurrency", str(slots), *(["--http", str(port)] if asked else [])]
        with (
            product.running(dsn, *flags, OPPSPOT_HTTP_STREAMS=str(FOLLOWERS)) as runner,
            psycopg.connect(dsn, autocommit=True) as session,
        ):
            ended = partial(_ended, session)
            runner.wait_until(lambda: ended() == WARM_UP, DRAINED_S)
            if asked:
                runner.wait_until(partial(_is_ready, port), DRAINED_S)
            time.sleep(SETTLED_S)
            figures: dict[str, Any] = {}
            with _asking(dsn, port, figures) if asked else nullcontext():
                since = product.clock(dsn)
                product.add_tasks(dsn, agent, tasks)
                runner.wait_until(lambda: ended() == WARM_UP + tasks, DRAINED_S, every_s=0.25)
                span = product.span(dsn, since)
    return {"tasks/s": tasks / span.seconds, **figures}


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
