"""Many conversations with a model at the same time, in one runner."""

from __future__ import annotations

import json
import time

import psycopg

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.processes import Watched
from benchmarks.thinking import SCRIPT

LAG = "benchmark_lag"
ROUNDS = 3
ROUND_S = 600.0
AFTER_S = 2.0  # the loop is watched so long after all of them have met
AGENT = """
    INSERT INTO ai_agents (name, agent_type, configuration) VALUES ('thinking', 'llm', %s)
    RETURNING id::text
"""
TASK = "INSERT INTO agent_tasks (agent_id, payload, priority) VALUES (%s, %s, %s)"
TASKS = """
    INSERT INTO agent_tasks (agent_id, payload)
    SELECT %s::uuid, '{"input": "What is 15 + 27?"}' FROM generate_series(1, %s)
"""
LEFT = "SELECT count(*) FROM agent_tasks WHERE status NOT IN ('completed', 'failed')"
FAILED = "SELECT count(*) FROM agent_tasks WHERE status = 'failed'"
SEEN = """
    SELECT output_data FROM agent_executions e JOIN ai_agents a ON a.id = e.agent_id
    WHERE a.agent_type = 'benchmark_lag' AND e.status = 'completed'
    ORDER BY e.completed_at DESC LIMIT 1
"""


def run(bench: Bench) -> Outcome:
    """Rounds of conversations that all meet in a tool, so that they go on at the same time."""
    count = bench.sizes.conversations
    configuration = {
        "model": "mock:script",
        "script": SCRIPT,
        "tools": ["calculator", "benchmark_pause"],
    }
    with product.database(bench.server) as dsn:
        thinking = str(product.value(dsn, AGENT, json.dumps(configuration)))
        lag = str(product.add_agent(dsn, LAG))
        flags = ("--concurrency", str(count + 1), "--import", "benchmarks.thinking")
        with product.running(dsn, *flags) as runner:
            _round(dsn, thinking, lag, count, runner)  # in which memory comes to its size
            rounds = [_round(dsn, thinking, lag, count, runner) for _ in range(ROUNDS)]
    samples = {name: [one[name] for one in rounds] for name in rounds[0]}
    figures = {name: max(values) for name, values in samples.items()}
    figures["at once"] = min(samples["at once"])
    figures["RSS MB, third / first round"] = samples["RSS MB"][-1] / samples["RSS MB"][0]
    return Outcome(figures, samples)


def _round(dsn: str, thinking: str, lag: str, count: int, runner: Watched) -> Figures:
    told = json.dumps({"conversations": count, "after_s": AFTER_S})
    began = time.time()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(TASK, (lag, told, 10))
        connection.execute(TASKS, (thinking, count))
    runner.wait_until(lambda: product.value(dsn, LEFT) == 0, ROUND_S, 0.25)
    failed = product.value(dsn, FAILED)
    if failed:
        raise RuntimeError(f"{failed} conversations failed")
    seen = product.value(dsn, SEEN)
    return {
        "at once": float(seen["most"]),
        "loop lag ms, p50": float(seen["p50_ms"]),
        "loop lag ms, p99": float(seen["p99_ms"]),
        "RSS MB": max(cost.rss_mb for cost in runner.costs if cost.at >= began),
        "seconds": time.time() - began,
    }


MEASURE = Measure(
    "conversations",
    "conversations of three answers and two tools with mock:script, all at the same time",
    run,
    (
        Bound("loop lag ms, p99", at_most=100),
        Bound("RSS MB", at_most=400),
        Bound("RSS MB, third / first round", at_most=1.1),
    ),
)
