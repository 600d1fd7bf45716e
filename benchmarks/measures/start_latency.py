"""How long after an insert a task starts, while there is nothing else to do."""

from __future__ import annotations

from functools import partial
from math import inf
from statistics import median, quantiles

from benchmarks.bench import Bench
from benchmarks.contenders.bare import Bare
from benchmarks.contenders.contender import Starts
from benchmarks.contenders.everyone import PEERS
from benchmarks.contenders.ours import Ours
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.rounds import alternate, compare

GAP_S = 0.05
BARE = Bare()
BEST = "ours / best durable peer, p50"
P50, P99 = "p50 ms", "p99 ms"


def run(bench: Bench) -> Outcome:
    """Inserts one by one, some time apart, for each contender in turn."""
    contenders: list[Starts] = [BARE, Ours(), *PEERS]
    wanted = [one for one in contenders if one is BARE or one in bench.wanted(contenders)]
    outcome = alternate(bench.rounds, {one.name: partial(_delays, bench, one) for one in wanted})
    for percentile in (P50, P99):
        name = f"ours / NOTIFY + claim, {percentile.split()[0]}"
        compare(outcome, name, f"{Ours.name}: {percentile}", f"{BARE.name}: {percentile}")
    figures = outcome.figures
    medians = {one.name: figures.get(f"{one.name}: {P50}", inf) for one in PEERS if one.durable}
    best = min(medians, key=medians.__getitem__)
    compare(outcome, BEST, f"{Ours.name}: {P50}", f"{best}: {P50}")
    return outcome


def _delays(bench: Bench, contender: Starts) -> Figures:
    bench.say(f"  {contender.name}")
    contender.install()
    with contender.place(bench.server) as address:
        delays_ms = [s * 1000 for s in contender.delays(address, bench.sizes.starts, GAP_S)]
    return {P50: median(delays_ms), P99: quantiles(delays_ms, n=100, method="inclusive")[98]}


MEASURE = Measure(
    "start-latency",
    "from just before an INSERT to the first line of the task, on an idle system",
    run,
    (
        Bound("ours / NOTIFY + claim, p50", at_most=2),
        Bound("ours / NOTIFY + claim, p99", at_most=4),
        Bound(BEST, at_most=1),
    ),
)
