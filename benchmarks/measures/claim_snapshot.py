"""What a claim costs after many tasks ended while somebody held an old snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import psycopg

from benchmarks import product, statements
from benchmarks.bench import Bench
from benchmarks.claiming import PATIENCE_S, SLOTS
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.rounds import alternate, compare
from benchmarks.statements import MEAN

LOOK_S = 0.5  # counting many ends costs the server something
WITH, WITHOUT = "snapshot held", "none held"


def run(bench: Bench) -> Outcome:
    """One runner drains the table; what its claims cost for the thousand tasks after that."""
    turns = {WITHOUT: lambda: _claims(bench, False), WITH: lambda: _claims(bench, True)}
    outcome = alternate(bench.rounds, turns)
    compare(outcome, f"{WITH} / {WITHOUT}", f"{WITH}: {MEAN}", f"{WITHOUT}: {MEAN}")
    return outcome


def _claims(bench: Bench, with_snapshot: bool) -> Figures:
    tasks, more = bench.sizes.under_snapshot, bench.sizes.claimed
    with product.database(bench.server) as dsn:
        agent = product.add_agent(dsn)
        product.add_tasks(dsn, agent, tasks)
        product.settle(dsn)
        with (
            _held_snapshot(dsn) if with_snapshot else nullcontext(),
            product.running(dsn, "--concurrency", SLOTS) as runner,
        ):
            runner.wait_until(lambda: product.ended(dsn, agent) >= tasks, PATIENCE_S, LOOK_S)
            statements.reset(dsn)
            product.add_tasks(dsn, agent, more)
            runner.wait_until(lambda: product.ended(dsn, agent) >= tasks + more, PATIENCE_S)
            return statements.claim_cost(dsn).figures()


@contextmanager
def _held_snapshot(dsn: str) -> Iterator[None]:
    with psycopg.connect(dsn) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT FROM agent_tasks LIMIT 1")
        yield


MEASURE = Measure(
    "claim-snapshot",
    "the server's time for a claim after a drain under a held snapshot (REPEATABLE READ)",
    run,
    (Bound(f"{WITH} / {WITHOUT}", at_most=2),),
)
