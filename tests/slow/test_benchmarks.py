"""The benchmarks can still be run: our part of each measure, with a few hundred tasks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import server
from benchmarks.bench import Bench
from benchmarks.measure import Measure, Verdict
from benchmarks.measures import ALL
from benchmarks.sizes import Sizes

TINY = Sizes(
    tasks=300,
    tasks_at_three=60,
    starts=3,
    claimed=50,
    ready=2_000,
    future=500,
    finished=500,
    under_snapshot=300,
    blocked=500,
    history=500,
    insert_s=1,
    long_run=300,
    idle_s=3,
    lease_s=3,
    conversations=20,
    asked=5,
    register=500,
    companies=2_000,
    pages=2_000,
    items=100,
    fleet=50,
    fleet_s=2,
    fleet_settle_s=1,
)
OURS = frozenset({"oppspot-runner", "pgbench"})
PEERS = ("graphile-worker", "pgqueuer", "procrastinate", "peer")


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with server.running() as own:
        yield Bench(own, TINY, rounds=1, only=OURS)


def in_slice(measure: Measure) -> Any:
    """The first measure is short enough to be run each time; all of them take a minute or two."""
    marks = [pytest.mark.ci_slice] if measure is ALL[0] else []
    return pytest.param(measure, marks=marks, id=measure.name)


@pytest.mark.parametrize("measure", [in_slice(measure) for measure in ALL])
def test_our_part_of_a_measure_runs(bench: Bench, measure: Measure) -> None:
    outcome = measure.run(bench)
    assert outcome.problems == []
    assert all(math.isfinite(value) and value >= 0 for value in outcome.figures.values())
    ours = [bound for bound in measure.bounds if not any(name in bound.figure for name in PEERS)]
    unknown = [bound.figure for bound in ours if bound.judge(outcome.figures) is Verdict.UNKNOWN]
    assert unknown == []
