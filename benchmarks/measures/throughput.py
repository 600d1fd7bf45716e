"""How many tasks that do nothing one process ends in a second; they were put in before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.contenders.contender import Drains
from benchmarks.contenders.everyone import FLOOR, PEERS
from benchmarks.contenders.ours import Ours
from benchmarks.measure import Bound, Figures, Measure, Outcome
from benchmarks.rounds import alternate, compare

RATE = "tasks/s"
SLOTS = 3


def run_at_most(bench: Bench) -> Outcome:
    """Everybody in its fastest set-up."""
    return _run(bench, [*PEERS, FLOOR], bench.sizes.tasks, None)


def run_at_three(bench: Bench) -> Outcome:
    """Everybody with three tasks at a time and none fetched ahead."""
    outcome = _run(bench, PEERS, bench.sizes.tasks_at_three, SLOTS)
    rates = {peer.name: outcome.figures.get(_rate(peer.name), 0) for peer in PEERS}
    compare(outcome, "ours / best peer", _rate(Ours.name), _rate(max(rates, key=rates.__getitem__)))
    return outcome


def _run(bench: Bench, peers: Sequence[Drains], tasks: int, concurrency: int | None) -> Outcome:
    contenders: list[Drains] = [Ours(bench.profile), *peers]
    turns = {
        one.name: partial(_drain, bench, one, tasks, concurrency)
        for one in bench.wanted(contenders)
    }
    outcome = alternate(bench.rounds, turns)
    for peer in peers:
        compare(outcome, f"ours / {peer.name}", _rate(Ours.name), _rate(peer.name))
    return outcome


def _drain(bench: Bench, contender: Drains, tasks: int, concurrency: int | None) -> Figures:
    bench.say(f"  {contender.name}")
    contender.install()
    count = max(int(tasks * contender.share), 1)
    with contender.place(bench.server) as address:
        contender.fill(address, count)
        if address.startswith("postgresql:"):
            product.settle(address)
        return {RATE: count / contender.drain(address, concurrency).seconds}


def _rate(contender: str) -> str:
    return f"{contender}: {RATE}"


MOST = Measure(
    "throughput",
    "no-op tasks with a row of agent_executions each, one process, its fastest set-up",
    run_at_most,
    (
        Bound("ours / graphile-worker", at_least=1.3),
        Bound("ours / pgqueuer", at_least=2),
        Bound("ours / procrastinate", at_least=50),
    ),
)
THREE = Measure(
    "throughput-3",
    "the same with three tasks at a time, none fetched ahead",
    run_at_three,
    (Bound("ours / best peer", at_least=2),),
)
