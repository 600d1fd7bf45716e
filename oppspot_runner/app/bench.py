"""What this server and this host give: throughput and latency of tasks that do nothing.

All happens in a schema of its own, which is dropped at the end, also after Ctrl-C.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import sql

from oppspot_runner.agents.registry import Registry
from oppspot_runner.app.doctor.claiming import claim_cost
from oppspot_runner.app.wiring import build_runner, runner_config
from oppspot_runner.base.errors import ConfigurationError, OppspotError
from oppspot_runner.base.events import EventBus, RunnerStarted, TaskFinished
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.files import statement
from oppspot_runner.db.migrate import migrate
from oppspot_runner.db.pool import Database
from oppspot_runner.db.sessions import OwnAsyncSession
from oppspot_runner.queue.claiming import claim_size
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.runner.loop import Runner
from oppspot_runner.streams import directory

SERVER = statement("bench/server")
DROP = statement("bench/drop")
FILL = statement("bench/fill")
INSERT = statement("bench/insert")
COMMIT = statement("bench/commit")
THROUGHPUT = statement("bench/throughput")
LATENCY = statement("bench/latency")

CONNECTIONS = 8  # agents that do nothing want none
TRIES = 50  # of a round trip and of a commit; their median counts
ONE_BY_ONE = 200
PATIENCE_S = 30.0  # for one task on an idle runner
AGENT_TYPE = "bench"


@dataclass(frozen=True)
class BenchResult:
    """What was measured; times in milliseconds.

    `claim_ms` is for as many tasks as there are slots; `durable`: a commit waits for the disk.
    """

    server: str
    durable: bool
    tasks: int
    concurrency: int
    tasks_per_s: float
    start_p50_ms: float
    start_p99_ms: float
    claim_ms: float
    commit_ms: float
    round_trip_ms: float


async def noop(_ctx: Any) -> None:
    """The agent of a bench."""


@asynccontextmanager
async def own_schema(database: Database) -> AsyncIterator[Database]:
    """A migrated schema that nobody else has, on the same server; dropped at the end.

    Raises ConfigurationError behind a pooler, whose connections would keep the way to it.
    """
    if database.pooled:
        raise ConfigurationError(
            "a bench behind a pooler would lead other sessions of it into its schema",
            hint="Set DATABASE_URL to the server itself.",
        )
    name = f"oppspot_bench_{secrets.token_hex(4)}"
    try:
        async with Database(
            database.dsn, schema=name, max_size=CONNECTIONS, application="oppspot-runner bench"
        ) as own:
            await migrate(own)
            yield own
    finally:
        async with database.connection() as connection:
            await connection.execute(sql.SQL(DROP).format(schema=sql.Identifier(name)))


async def run_bench(
    database: Database, settings: Settings, *, tasks: int, concurrency: int
) -> BenchResult:
    """Measures on an open database. Raises OppspotError when tasks do not complete."""
    config = replace(runner_config(settings), slots=concurrency, task_types=())
    async with own_schema(database) as own:
        agent_id = await OwnAsyncSession(own, opened=True).run(
            directory.create_agent(agent_type=AGENT_TYPE)
        )
        server = await own.fetch_one(SERVER)
        assert server is not None
        round_trip_ms = await _median_ms(own.ping)
        commit_ms = await _median_ms(partial(own.execute, COMMIT))
        await own.execute(FILL, {"agent_id": agent_id, "tasks": tasks})
        cost = await claim_cost(own, claim_size(concurrency))
        tasks_per_s = await _throughput(own, config)
        p50_ms, p99_ms = await _latency(own, config, agent_id)
    return BenchResult(
        server=f"PostgreSQL {server['version']}",
        durable=server["durable"],
        tasks=tasks,
        concurrency=concurrency,
        tasks_per_s=round(tasks_per_s, 1),
        start_p50_ms=round(p50_ms, 2),
        start_p99_ms=round(p99_ms, 2),
        claim_ms=round(cost.seconds * 1000, 2),
        commit_ms=round(commit_ms, 2),
        round_trip_ms=round(round_trip_ms, 2),
    )


async def _median_ms(call: Callable[[], Awaitable[Any]]) -> float:
    times = []
    for _ in range(TRIES):
        begun = time.perf_counter()
        await call()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


async def _throughput(database: Database, config: RunnerConfig) -> float:
    """Tasks per second of a runner that finds all of them waiting."""
    await _runner(database, replace(config, drain_and_exit=True), EventBus()).run()
    row = await database.fetch_one(THROUGHPUT)
    assert row is not None
    if row["unfinished"]:
        raise OppspotError(
            f"{row['unfinished']} of {row['tasks']} tasks did not complete",
            hint="Run `oppspot-runner doctor`.",
        )
    # One task can begin and end within a microsecond of the clock.
    return float(row["tasks"] / max(row["seconds"], 1e-6))


async def _latency(database: Database, config: RunnerConfig, agent_id: UUID) -> tuple[float, float]:
    """From INSERT to start on an idle runner: the median and the 99th of 100, in milliseconds."""
    news = asyncio.Event()
    bus = EventBus()
    bus.subscribe(RunnerStarted, lambda _: news.set())
    bus.subscribe(TaskFinished, lambda _: news.set())
    runner = _runner(database, config, bus)
    running = asyncio.get_running_loop().create_task(runner.run())
    try:
        await _heard(news)
        for _ in range(ONE_BY_ONE):
            await database.execute(INSERT, {"agent_id": agent_id})
            await _heard(news)
    finally:
        runner.stop()
        await running
    row = await database.fetch_one(LATENCY)
    assert row is not None
    return row["p50_ms"], row["p99_ms"]


async def _heard(news: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await news.wait()
    except TimeoutError:
        raise OppspotError(
            f"nothing happened within {PATIENCE_S:g} s", hint="Run `oppspot-runner doctor`."
        ) from None
    news.clear()


def _runner(database: Database, config: RunnerConfig, events: EventBus) -> Runner:
    registry = Registry()
    registry.register(noop, AGENT_TYPE)
    return build_runner(database, config, registry=registry, events=events)
