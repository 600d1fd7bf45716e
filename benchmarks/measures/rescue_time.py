"""How long after kill -9 of its runner a task runs again, direct and behind a pooler."""

from __future__ import annotations

import time
from functools import partial

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.pooler import pooled
from benchmarks.rounds import alternate

POLL_S = 5.0
SPARE_S = 30.0
AFTER = "s until it runs again"
OF_LEASE = "of lease and poll"


def run(bench: Bench) -> Outcome:
    """Two runners; the one that has the task is killed. Default settings, but for the lease."""
    direct = alternate(bench.rounds, {"direct": partial(_rescue, bench, behind_pooler=False)})
    behind = alternate(1, {"behind pgbouncer": partial(_rescue, bench, behind_pooler=True)})
    return Outcome(
        direct.figures | behind.figures,
        direct.samples | behind.samples,
        direct.problems + behind.problems,
    )


def _rescue(bench: Bench, *, behind_pooler: bool) -> Figures:
    lease_s = bench.sizes.lease_s if behind_pooler else 30
    with product.database(bench.server) as dsn:
        agent = product.add_agent(dsn, product.HOLD)
        product.add_tasks(dsn, agent, 1)
        with pooled(bench.server, dsn, behind_pooler) as way:
            settings = {"OPPSPOT_LEASE": str(lease_s)}
            with product.running(way, **settings) as doomed:
                doomed.wait_until(partial(_is_running, dsn), product.READY_S)
                with product.running(way, **settings) as other:
                    time.sleep(2)  # until the other one has found out how it is woken
                    killed = time.time()
                    doomed.kill()
                    other.wait_until(
                        lambda: product.ended(dsn, agent) == 1, lease_s + POLL_S + SPARE_S
                    )
        again = float(product.value(dsn, "SELECT extract(epoch FROM started_at) FROM agent_tasks"))
    figures = {AFTER: again - killed}
    return figures | ({OF_LEASE: figures[AFTER] / (lease_s + POLL_S)} if behind_pooler else {})


def _is_running(dsn: str) -> bool:
    query = "SELECT count(*) = 1 FROM agent_tasks WHERE status = 'processing'"
    return bool(product.value(dsn, query))


MEASURE = Measure(
    "rescue-time",
    "from kill -9 of a runner to the next start of its task",
    run,
    (
        Bound(f"direct: {AFTER}", at_most=8),
        Bound(f"behind pgbouncer: {OF_LEASE}", at_most=1),
    ),
)
