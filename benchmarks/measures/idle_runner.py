"""What a runner costs while there is nothing to do."""

from __future__ import annotations

import time

from benchmarks import processes, product
from benchmarks.bench import Bench
from benchmarks.measure import Bound, Measure, Outcome

SETTLE_S = 15.0  # until it has gone through its first looks, and the server has counted them
POLL_S = 5.0
TRANSACTIONS = """
    SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s
"""


def run(bench: Bench) -> Outcome:
    """A runner with the default settings, left alone; the server's vacuum is kept away."""
    server, idle_s = bench.server, bench.sizes.idle_s
    with product.database(server) as dsn, server.setting("autovacuum", "off"):
        product.add_agent(dsn)
        with product.running(dsn) as runner:
            time.sleep(SETTLE_S)
            begun, before = _transactions(bench, dsn), processes.cost_of(runner.process.pid)
            time.sleep(idle_s)
            after = processes.cost_of(runner.process.pid)
            transactions = _transactions(bench, dsn) - begun
    assert before is not None
    assert after is not None
    figures = {
        "transactions per poll": transactions / (idle_s / POLL_S),
        "RSS MB": after.rss_mb,
        "% of a core": (after.cpu_s - before.cpu_s) / (after.at - before.at) * 100,
    }
    return Outcome(figures, {name: [value] for name, value in figures.items()})


def _transactions(bench: Bench, dsn: str) -> int:
    """Asked from another database, so that asking does not count."""
    name = dsn.rpartition("/")[2]
    return int(product.value(bench.server.dsn(), TRANSACTIONS, name))


MEASURE = Measure(
    "idle-runner",
    "one runner with nothing to do: transactions of all kinds, memory, CPU",
    run,
    (
        Bound("transactions per poll", at_most=3),
        Bound("RSS MB", at_most=70),
        Bound("% of a core", at_most=0.5),
    ),
)
