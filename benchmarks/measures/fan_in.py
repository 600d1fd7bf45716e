"""How soon an agent that waits for many starts after the last of them, when all end at once."""

from __future__ import annotations

import time
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.rounds import alternate

MANY = 500
WITHIN_S = 60
DELAY = "s from the last end to the start"
RUN = "a run of 500 and one"
STREAM = """
    WITH s AS (INSERT INTO streams (name) VALUES ('s') RETURNING id),
    a AS (INSERT INTO ai_agents (name, agent_type)
          SELECT n, 'benchmark_noop' FROM generate_series(0, %s) n
          RETURNING id, name::integer AS n),
    x AS (INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)
          SELECT s.id, a.id, ARRAY(SELECT b.id FROM a b WHERE a.n = 0 AND b.n > 0) FROM s, a)
    SELECT id FROM s
"""
STATUS = "SELECT status FROM stream_runs WHERE id = %s"
WAITED = """
    SELECT extract(epoch FROM max(e.started_at) FILTER (WHERE a.name = '0')
                            - max(e.completed_at) FILTER (WHERE a.name <> '0'))
    FROM agent_tasks t JOIN agent_executions e ON e.task_id = t.id
    JOIN ai_agents a ON a.id = t.agent_id
    WHERE t.run_id = %s
"""


def run(bench: Bench) -> Outcome:
    """Two runs each time; the second one counts."""
    return alternate(bench.rounds, {RUN: partial(_delay, bench)})


def _delay(bench: Bench) -> Figures:
    with (
        product.database(bench.server) as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        ((stream,),) = connection.execute(STREAM, (MANY,)).fetchall()
        with product.running(dsn, "--concurrency", str(MANY)):
            _ended_run(connection, stream)
            opened = _ended_run(connection, stream)
        ((delay_s,),) = connection.execute(WAITED, (opened,)).fetchall()
    return {DELAY: float(delay_s)}


def _ended_run(connection: psycopg.Connection[Any], stream: UUID) -> UUID:
    ((opened,),) = connection.execute("SELECT run_stream(%s)", (stream,)).fetchall()
    until = time.monotonic() + WITHIN_S
    while (status := connection.execute(STATUS, (opened,)).fetchall()) == [("running",)]:
        if time.monotonic() > until:
            raise RuntimeError(f"a run of {MANY} agents is still on after {WITHIN_S} s")
        time.sleep(0.02)
    if status != [("completed",)]:
        raise RuntimeError(f"a run of {MANY} agents ended as {status}")
    return UUID(str(opened))


MEASURE = Measure(
    "fan-in",
    "how soon an agent that waits for 500 starts when they end at once",
    run,
    (Bound(f"{RUN}: {DELAY}", at_most=1),),
)
