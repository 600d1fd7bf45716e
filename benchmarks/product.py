"""Our runner, by its commands and by SQL, as anybody would use it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from benchmarks import processes
from benchmarks.contenders.contender import Span
from benchmarks.processes import Watched
from benchmarks.programs import output_of

ROOT = Path(__file__).resolve().parents[1]
DRAINED_S = 600.0
READY_S = 30.0
SPAN = """
    SELECT extract(epoch FROM (SELECT min(started_at) FROM agent_tasks))::float8,
           extract(epoch FROM (SELECT max(pg_xact_commit_timestamp(xmin)) FROM agent_executions
                               WHERE status = 'completed'))::float8
"""


def version() -> str:
    """The version of the package that is measured."""
    return metadata.version("oppspot-runner")


def environment(dsn: str) -> dict[str, str]:
    """The environment of a runner on a database, without settings from ours."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OPPSPOT_")}
    return {**kept, "DATABASE_URL": dsn, "OPPSPOT_LOG": "json", "OPPSPOT_LOG_LEVEL": "warning"}


def migrate(dsn: str) -> None:
    """Makes our tables."""
    command = [sys.executable, "-m", "oppspot_runner", "migrate"]
    output_of(command, env=environment(dsn), folder=ROOT)


def add_agent(dsn: str, agent_type: str) -> UUID:
    """Makes an agent; its id."""
    query = "INSERT INTO ai_agents (name, agent_type) VALUES (%s, %s) RETURNING id"
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query, (agent_type, agent_type)).fetchone()
    assert row is not None
    return UUID(str(row[0]))


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
    runner = processes.start(command, env=environment(dsn), folder=ROOT)
    runner.wait(DRAINED_S)
    return span(dsn), runner


def span(dsn: str) -> Span:
    """From the first claim to the commit of the last end, by the database's clock."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(SPAN).fetchone()
    assert row is not None
    return Span(*row)


@contextmanager
def running(dsn: str, *flags: str) -> Iterator[Watched]:
    """A runner that takes tasks; it is stopped afterwards."""
    runner = processes.start(start_command(*flags), env=environment(dsn), folder=ROOT)
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            runner.wait_until(lambda: _is_listed(connection, runner.process.pid), READY_S)
        yield runner
    finally:
        runner.stop()


def _is_listed(connection: psycopg.Connection[Any], pid: int) -> bool:
    row = connection.execute("SELECT FROM task_runners WHERE pid = %s", (pid,)).fetchone()
    return row is not None
