"""How much slower a drain is in a table that is full of finished rows."""

from __future__ import annotations

from uuid import UUID

from benchmarks import crowds, product
from benchmarks.bench import Bench
from benchmarks.contenders.ours import BEST_CONCURRENCY
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.rounds import alternate, compare

RATE = "tasks/s"
FULL, EMPTY = "full of history", "empty"


def run(bench: Bench) -> Outcome:
    """The same drain, again and again, in a table with history and in one without."""
    tasks = bench.sizes.tasks
    with product.database(bench.server) as full:
        busy = product.add_agent(full)
        crowds.add(full, crowds.FINISHED, busy, bench.sizes.history)

        def from_empty() -> Figures:
            with product.database(bench.server) as empty:
                return _drain(empty, product.add_agent(empty), tasks)

        turns = {EMPTY: from_empty, FULL: lambda: _drain(full, busy, tasks)}
        outcome = alternate(bench.rounds, turns)
    compare(outcome, f"{FULL} / {EMPTY}", f"{FULL}: {RATE}", f"{EMPTY}: {RATE}")
    return outcome


def _drain(dsn: str, agent: UUID, tasks: int) -> Figures:
    product.add_tasks(dsn, agent, tasks)
    product.settle(dsn)
    return {RATE: tasks / product.drain(dsn, BEST_CONCURRENCY)[0].seconds}


MEASURE = Measure(
    "drain-history",
    "no-op tasks in a table with finished rows, against an empty one",
    run,
    (Bound(f"{FULL} / {EMPTY}", at_least=0.9),),
)
