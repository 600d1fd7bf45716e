"""Medians of alternated rounds, ratios within a round, bounds, and the table and JSON of them."""

from __future__ import annotations

from typing import Any

import click
import pytest
from rich.console import Console

from benchmarks import report
from benchmarks.__main__ import run, sized
from benchmarks.bench import Bench
from benchmarks.measure import Bound, Figures, Measure, Outcome, Verdict
from benchmarks.rounds import alternate, compare
from benchmarks.sizes import QUICK

BENCH = Bench(server=None, sizes=QUICK, rounds=1)  # type: ignore[arg-type]
FACTS: dict[str, Any] = {
    "machine": {"cpu": "a cpu", "cores": 2, "load_average": 0.1},
    "versions": {"postgresql": "15.1", "python": "3.11", "oppspot-runner": "1", "commit": "abc"},
}


def turns(calls: list[str], **values: list[float]) -> dict[str, Any]:
    """A turn for each name, which takes its values one after the other and notes that it ran."""

    def turn(name: str) -> Figures:
        calls.append(name)
        return {"rate": values[name].pop(0)}

    return {name: lambda name=name: turn(name) for name in values}


def test_rounds_alternate_and_ratios_are_taken_within_a_round() -> None:
    calls: list[str] = []
    outcome = alternate(3, turns(calls, a=[2.0, 40.0, 9.0], b=[1.0, 10.0, 3.0]))
    compare(outcome, "a / b", "a: rate", "b: rate")
    assert calls == ["a", "b", "a", "b", "a", "b"]
    assert outcome.figures == {"a: rate": 9.0, "b: rate": 3.0, "a / b": 3.0}
    assert outcome.samples["a / b"] == [2.0, 4.0, 3.0]


def test_a_turn_that_fails_is_told_and_stops_nobody() -> None:
    calls: list[str] = []
    outcome = alternate(2, turns(calls, a=[], b=[1.0, 2.0]))
    compare(outcome, "a / b", "a: rate", "b: rate")
    assert calls == ["a", "b", "b"]
    assert outcome.problems == ["a: IndexError: pop from empty list"]
    assert outcome.figures == {"b: rate": 1.5}


@pytest.mark.parametrize(
    ("bound", "value", "verdict"),
    [
        (Bound("x", at_least=2), 2.0, Verdict.KEPT),
        (Bound("x", at_least=2), 1.9, Verdict.BROKEN),
        (Bound("x", at_most=2), 2.0, Verdict.KEPT),
        (Bound("x", at_most=2), 2.1, Verdict.BROKEN),
        (Bound("y", at_most=2), 0.0, Verdict.UNKNOWN),
    ],
)
def test_a_bound_is_kept_broken_or_not_measured(
    bound: Bound, value: float, verdict: Verdict
) -> None:
    assert bound.judge({"x": value}) is verdict


def test_a_measure_that_fails_says_so_in_the_table_and_in_the_json() -> None:
    def fail(bench: Bench) -> Outcome:
        raise ValueError("it broke")

    measure = Measure("some", "what it asks", fail, (Bound("x", at_most=2),))
    found = [(measure, run(BENCH, measure))]
    console = Console(width=report.WIDTH, record=True)
    results = report.as_json(found, FACTS)
    console.print(report.table(results))
    text = console.export_text()
    assert "ValueError: it broke" in text
    assert "not measured" in text
    (written,) = results["measures"]
    assert written["problems"] == ["ValueError: it broke"]
    assert written["bounds"] == [{"figure": "x", "must_be": "<= 2", "verdict": "not measured"}]


def test_sizes_are_given_by_name() -> None:
    assert sized(QUICK, ("tasks=7",)).tasks == 7
    for wrong in ("tasks", "tasks=x", "nothing=3"):
        with pytest.raises(click.BadParameter, match="tasks"):
            sized(QUICK, (wrong,))
