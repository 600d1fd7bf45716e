"""What a claim costs others when a crowd that may not run stands in front of them."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import psycopg

from benchmarks import crowds, product
from benchmarks.bench import Bench
from benchmarks.claiming import WARM_UP, claims
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.rounds import alternate, compare
from benchmarks.statements import MEAN

FREE = "nobody in front"
# What keeps the crowd's agent from running.
KINDS = {
    "paused": "INSERT INTO task_pauses (scope, key) VALUES ('agent', %s)",
    "capped": "INSERT INTO task_limits (scope, key, concurrency) VALUES ('agent', %s, 1)",
    "rate-limited": "INSERT INTO task_limits (scope, key, rate) VALUES ('agent', %s, 0.0001)",
}
OPEN = "DELETE FROM task_pauses; DELETE FROM task_limits"
DISORDER = """
    SELECT count(*) FROM (
        SELECT ready_seq, lag(ready_seq) OVER (ORDER BY started_at, ready_seq) AS before
        FROM agent_tasks WHERE agent_id = %s AND started_at IS NOT NULL) t
    WHERE ready_seq < before
"""


def run(bench: Bench) -> Outcome:
    """Tasks of one agent, with and without older ready rows of another one, same task_type."""
    with product.database(bench.server) as free, product.database(bench.server) as crowded:
        alone, others = product.add_agent(free), product.add_agent(crowded)
        crowd = product.add_agent(crowded, product.HOLD)
        crowds.add(crowded, crowds.READY, crowd, bench.sizes.blocked)
        product.settle(crowded)

        def behind(kind: str) -> Figures:
            with psycopg.connect(crowded, autocommit=True) as connection:
                connection.execute(OPEN)
                connection.execute(KINDS[kind].encode(), (str(crowd),))
            return _claims(crowded, others, bench.sizes.claimed)

        turns = {FREE: partial(_claims, free, alone, bench.sizes.claimed)}
        turns |= {kind: partial(behind, kind) for kind in KINDS}
        outcome = alternate(bench.rounds, turns)
        outcome.figures["out of order"] = product.value(crowded, DISORDER, others)
    for kind in KINDS:
        compare(outcome, f"{kind} / {FREE}", f"{kind}: {MEAN}", f"{FREE}: {MEAN}")
    return outcome


def _claims(dsn: str, agent: UUID, tasks: int) -> Figures:
    product.add_tasks(dsn, agent, WARM_UP + tasks * 2)
    return claims(dsn, agent, tasks)


MEASURE = Measure(
    "claim-blocked",
    "the server's time for a claim of others behind a crowd that may not run, same task_type",
    run,
    (
        *(Bound(f"{kind} / {FREE}", at_most=2) for kind in KINDS),
        Bound("out of order", at_most=0),
    ),
)
