"""What a claim costs beside rows that are ready, due later and finished, by the million."""

from __future__ import annotations

from benchmarks import crowds, product
from benchmarks.bench import Bench
from benchmarks.claiming import WARM_UP, claims
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.rounds import alternate, compare
from benchmarks.statements import MEAN

FEW = 1_000


def run(bench: Bench) -> Outcome:
    """The same tasks claimed from a crowded table and from one with a thousand ready rows."""
    sizes = bench.sizes
    with product.database(bench.server) as crowded, product.database(bench.server) as small:
        agent, busy = product.add_agent(small), product.add_agent(crowded)
        for query, count in (
            (crowds.FINISHED, sizes.finished),
            (crowds.FUTURE, sizes.future),
            (crowds.READY, sizes.ready),
        ):
            bench.say(f"  {count:,} rows")
            crowds.add(crowded, query, busy, count)
        product.settle(crowded)

        def from_small() -> Figures:
            crowds.add(small, crowds.READY, agent, FEW + WARM_UP)
            product.settle(small)
            return claims(small, agent, sizes.claimed)

        def from_crowded() -> Figures:
            return claims(crowded, busy, sizes.claimed)

        turns = {"1,000 ready": from_small, "crowded": from_crowded}
        outcome = alternate(bench.rounds, turns)
    compare(outcome, "crowded / 1,000 ready", f"crowded: {MEAN}", f"1,000 ready: {MEAN}")
    return outcome


MEASURE = Measure(
    "claim-crowded",
    "the server's time for a claim beside millions of ready, future and finished rows",
    run,
    (Bound("crowded / 1,000 ready", at_most=1.3),),
)
