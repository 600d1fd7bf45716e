"""What a task costs the runner's process, and whether its memory stays flat over many."""

from __future__ import annotations

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.contenders.ours import BEST_CONCURRENCY
from benchmarks.measure import Bound, Measure, Outcome

# When a part of the tasks had ended: seconds since 1970.
ENDED = """
    SELECT extract(epoch FROM percentile_disc(%s) WITHIN GROUP (ORDER BY completed_at))::float8
    FROM agent_executions
"""


def run(bench: Bench) -> Outcome:
    """One long drain by one process, whose CPU and memory are read from /proc."""
    tasks = bench.sizes.long_run
    with product.database(bench.server) as dsn:
        product.add_tasks(dsn, product.add_agent(dsn), tasks)
        product.settle(dsn)
        span, runner = product.drain(dsn, BEST_CONCURRENCY)
        times = [float(product.value(dsn, ENDED, part)) for part in (0.1, 0.5, 1.0)]
    used_s = runner.at(span.ended).cpu_s - runner.at(span.began).cpu_s
    first, half, whole = (runner.at(at).rss_mb for at in times)
    figures = {
        "CPU us per task": used_s / tasks * 1e6,
        "RSS MB at 10 %": first,
        "RSS MB at 50 %": half,
        "RSS MB at 100 %": whole,
        "RSS at 100 % / at 10 %": whole / first,
        "tasks/s": tasks / span.seconds,
    }
    return Outcome(figures, {name: [value] for name, value in figures.items()})


MEASURE = Measure(
    "runner-cost",
    "user and system time of the runner's process for a no-op task; its memory over a long run",
    run,
    (Bound("CPU us per task", at_most=50), Bound("RSS at 100 % / at 10 %", at_most=1.1)),
)
