"""Our runner, by its commands and by SQL, as anybody would use it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from benchmarks import processes
from benchmarks.contenders.contender import Span
from benchmarks.processes import Watched
from benchmarks.programs import output_of
from benchmarks.server import Server

ROOT = Path(__file__).resolve().parents[1]
DRAINED_S = 1800.0
READY_S = 30.0
NOOP, MARK, HOLD = "benchmark_noop", "benchmark_mark", "benchmark_hold"
SPAN = """
    SELECT extract(epoch FROM min(started_at))::float8,
           extract(epoch FROM max(pg_xact_commit_timestamp(xmin)))::float8
    FROM agent_executions WHERE started_at >= to_timestamp(%s) AND status = 'completed'
"""


def version() -> str:
    """The version of the package that is measured."""
    return metadata.version("oppspot-runner")


def environment(dsn: str) -> dict[str, str]:
    """The environment of a runner on a database, without settings from ours."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OPPSPOT_")}
    return {**kept, "DATABASE_URL": dsn, "OPPSPOT_LOG": "json", "OPPSPOT_LOG_LEVEL": "error"}


@cache
def migrated(server: Server) -> str:
    """A database of the server that holds our tables and nothing else: a template."""
    name = server.create()
    command = [sys.executable, "-m", "oppspot_runner", "migrate"]
    output_of(command, env=environment(server.dsn(name)), folder=ROOT)
    return name


def database(server: Server) -> AbstractContextManager[str]:
    """The connection string of a database with our tables, which is gone afterwards."""
    return server.database(migrated(server))


def add_agent(dsn: str, agent_type: str = NOOP) -> UUID:
    """Makes an agent; its id."""
    query = "INSERT INTO ai_agents (name, agent_type) VALUES (%s, %s) RETURNING id"
    return UUID(str(value(dsn, query, agent_type, agent_type)))


def add_tasks(dsn: str, agent_id: UUID, count: int) -> None:
    """Inserts tasks that are due now, as anybody would."""
    query = """
        INSERT INTO agent_tasks (agent_id, task_type)
        SELECT %s, 'agent_execution' FROM generate_series(1, %s)
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(query, (agent_id, count))


def settle(dsn: str) -> None:
    """What a server does by itself after a while: vacuum, statistics, a checkpoint."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def start_command(*flags: str, profile: Path | None = None) -> list[str]:
    """The command that starts a runner with our agents, under cProfile when asked for."""
    profiler = [] if profile is None else ["-m", "cProfile", "-o", str(profile)]
    program = [sys.executable, *profiler, "-m", "oppspot_runner", "start"]
    return [*program, "--no-migrate", "--import", "benchmarks.agents", *flags]


def drain(dsn: str, concurrency: int, profile: Path | None = None) -> tuple[Span, Watched]:
    """Runs one process until nothing is due; when it drained, and what it cost."""
    flags = ["--drain-and-exit", "--concurrency", str(concurrency)]
    command = start_command(*flags, profile=profile)
    since = clock(dsn)
    runner = processes.start(command, env=environment(dsn), folder=ROOT)
    runner.wait(DRAINED_S)
    return span(dsn, since), runner


def clock(dsn: str) -> float:
    """The database's time: seconds since 1970."""
    return float(value(dsn, "SELECT extract(epoch FROM now())"))


def span(dsn: str, since: float) -> Span:
    """From the first claim after `since` to the commit of the last end, by the database's clock."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(SPAN, (since,)).fetchone()
    assert row is not None
    return Span(*row)


def value(dsn: str, query: LiteralString, *parameters: object) -> Any:
    """The one value that a query answers with."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


def ended(dsn: str, agent_id: UUID) -> int:
    """How many attempts of an agent have ended well."""
    query = "SELECT count(*) FROM agent_executions WHERE agent_id = %s AND status = 'completed'"
    return int(value(dsn, query, agent_id))


@contextmanager
def running(dsn: str, *flags: str, **settings: str) -> Iterator[Watched]:
    """A runner that takes tasks; it is stopped afterwards. `settings` are OPPSPOT_ variables."""
    env = {**environment(dsn), **settings}
    runner = processes.start(start_command(*flags), env=env, folder=ROOT)
    try:
        # Not prepared: `dsn` may lead through a pooler.
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
            runner.wait_until(lambda: _is_listed(connection, runner.process.pid), READY_S)
        yield runner
    finally:
        runner.stop()


def _is_listed(connection: psycopg.Connection[Any], pid: int) -> bool:
    row = connection.execute("SELECT FROM task_runners WHERE pid = %s", (pid,)).fetchone()
    return row is not None
