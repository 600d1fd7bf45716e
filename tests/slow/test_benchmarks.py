"""The benchmarks can still be run: our part of each measure, with a few hundred tasks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import server
from benchmarks.bench import Bench
from benchmarks.measure import Measure
from benchmarks.measures import ALL
from benchmarks.sizes import Sizes

pytestmark = pytest.mark.ci_slice
TINY = Sizes(tasks=300, tasks_at_three=100, starts=3)
OURS = frozenset({"oppspot-runner", "pgbench"})


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with server.running() as own:
        yield Bench(own, TINY, rounds=1, only=OURS)


@pytest.mark.parametrize("measure", ALL, ids=lambda measure: measure.name)
def test_our_part_of_a_measure_runs(bench: Bench, measure: Measure) -> None:
    outcome = measure.run(bench)
    assert outcome.problems == []
    assert outcome.figures
    assert all(value > 0 for value in outcome.figures.values())
