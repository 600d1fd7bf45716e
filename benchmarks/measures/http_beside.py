"""What requests and followers of a runner that serves HTTP cost the tasks that it runs."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from statistics import quantiles
from typing import Any, NamedTuple
from urllib.request import urlopen
from uuid import UUID

import psycopg

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.contenders.ours import BEST_CONCURRENCY
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.processes import Watched
from benchmarks.rounds import alternate, compare

RATE, FOLLOWERS, SLOTS = 50.0, 100, 3
BRIEF = "benchmark_brief"  # most agents wait for somebody
FEWER = 10  # of them there are, to drain as long
RUN = "INSERT INTO stream_runs (open_nodes) VALUES (1) RETURNING id::text"
HAPPENS = """
    SELECT add_run_events(ARRAY[
        (%s::uuid, 0, 'log', NULL, NULL, NULL, NULL, '{"message": "at work"}', NULL)::run_events])
"""
TASK = "SELECT id::text FROM agent_tasks ORDER BY id LIMIT 1"
LAST = "SELECT last_event FROM stream_runs"
ENDED = "SELECT count(*) FROM agent_executions WHERE status = 'completed'"
DRAINED_S = 300.0
SETTLED_S = 1.0  # what a runner does at a start or an end is over
# Balanced: what speeds up or slows down, evenly or more and more, is in both alike.
ORDER = ("alone", "asked", "asked", "alone", "asked", "alone", "alone", "asked")


class Work(NamedTuple):
    """What is drained: by so many slots, so many tasks of that agent."""

    slots: int
    tasks: int
    agent_type: str = product.NOOP


def run(bench: Bench) -> Outcome:
    """Drains by a runner that serves HTTP and is not asked, or asked and followed meanwhile."""
    few = bench.sizes.tasks_at_three
    works = {
        "at most": Work(BEST_CONCURRENCY, bench.sizes.tasks),
        "at 3": Work(SLOTS, few),
        "at 3, 20 ms each": Work(SLOTS, few // FEWER, BRIEF),
    }
    outcome = alternate(
        bench.rounds, {name: partial(_turns, bench, work) for name, work in works.items()}
    )
    for name in works:
        compare(
            outcome, f"asked / alone, {name}", f"{name}: asked, tasks/s", f"{name}: alone, tasks/s"
        )
    return outcome


@dataclass
class Turns:
    """Of one runner: how long it drained alone and asked, and what came of asking."""

    dsn: str
    agent: UUID
    runner: Watched
    session: psycopg.Connection[Any]
    port: int
    run_id: str
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ORDER, 0.0))
    asked: list[dict[str, Any]] = field(default_factory=list)

    def drain(self, tasks: int) -> float:
        """Seconds from the first start of so many tasks to the last end; the run that is followed
        goes on meanwhile, whether somebody follows or not."""
        since, whole = product.clock(self.dsn), self.ended() + tasks
        product.add_tasks(self.dsn, self.agent, tasks)
        self.runner.wait_until(lambda: self._goes_on() == whole, DRAINED_S, every_s=0.25)
        return product.span(self.dsn, since).seconds

    def _goes_on(self) -> int:
        self.session.execute(HAPPENS, (self.run_id,))
        return self.ended()

    def ended(self) -> int:
        """How many tasks have ended."""
        row = self.session.execute(ENDED).fetchone()
        assert row is not None
        return int(row[0])

    def take(self, who: str, tasks: int) -> None:
        """A turn, alone or asked."""
        time.sleep(SETTLED_S)
        with self._asking() if who == "asked" else nullcontext():
            self.seconds[who] += self.drain(tasks)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        command = [sys.executable, "-m", "benchmarks.asking"]
        with subprocess.Popen(
            command, cwd=product.ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as asker:
            assert asker.stdin is not None
            assert asker.stdout is not None
            asker.stdin.write(json.dumps(self._told()) + "\n")
            asker.stdin.flush()
            if asker.stdout.readline() != "ready\n":
                raise RuntimeError("nobody could ask")
            yield
            said = json.loads(asker.communicate()[0])
        if said["wrong"]:
            raise RuntimeError(f"{said['wrong']} requests got another answer than 200")
        if not said["heard"]:
            raise RuntimeError("no follower heard of anything")
        self.asked.append(said)

    def _told(self) -> dict[str, Any]:
        tasks, run = "/api/v1/tasks", f"/api/v1/runs/{self.run_id}/events"
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "paths": [
                "/api/agents/task-runner",
                f"{tasks}?limit=50",
                f"{tasks}/{product.value(self.dsn, TASK)}",
            ],
            "rate": RATE,
            "followed": [f"{run}?after={product.value(self.dsn, LAST)}", "/api/v1/changes"]
            * (FOLLOWERS // 2),
        }

    def figures(self, part: int) -> Figures:
        """All turns as one."""
        took_ms = [ms for said in self.asked for ms in said["took_ms"]]
        cuts = quantiles(took_ms, n=100, method="inclusive")
        rates = {
            f"{who}, tasks/s": part * ORDER.count(who) / took for who, took in self.seconds.items()
        }
        asked_s = sum(said["seconds"] for said in self.asked)
        return {
            **rates,
            "requests/s": len(took_ms) / asked_s,
            "events/s to followers": sum(said["heard"] for said in self.asked) / asked_s,
            "a request: p50 ms": cuts[49],
            "a request: p99 ms": cuts[98],
        }


def _turns(bench: Bench, work: Work) -> Figures:
    """One runner drains alone and asked, in turns of a few seconds: what it, its tables or the
    machine become faster or slower by meanwhile is in both. The first drain counts for nobody."""
    port, part = _free_port(), max(work.tasks // 2, 1)
    flags = ["--concurrency", str(work.slots), "--http", str(port)]
    with product.database(bench.server) as dsn:
        agent = product.add_agent(dsn, work.agent_type)
        product.settle(dsn)
        with (
            product.running(dsn, *flags, OPPSPOT_HTTP_STREAMS=str(FOLLOWERS)) as runner,
            psycopg.connect(dsn, autocommit=True) as session,
        ):
            runner.wait_until(partial(_is_ready, port), DRAINED_S)
            run_id = product.value(dsn, RUN)
            turns = Turns(dsn, agent, runner, session, port, run_id)
            turns.drain(part)
            for who in ORDER:
                turns.take(who, part)
    return turns.figures(part)


def _is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:  # nobody listens yet, or who does says that it only starts
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


MEASURE = Measure(
    "http-beside",
    "tasks of a runner that answers 50 requests/s (status, list, task) and 100 followers",
    run,
    (
        Bound("asked / alone, at most", at_least=0.9),
        Bound("asked / alone, at 3", at_least=0.9),
        Bound("asked / alone, at 3, 20 ms each", at_least=0.9),
        Bound("at most: requests/s", at_least=49),
        Bound("at 3: requests/s", at_least=49),
        Bound("at 3, 20 ms each: requests/s", at_least=49),
    ),
)
