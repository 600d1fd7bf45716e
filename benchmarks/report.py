"""What was found: as JSON with every sample, and as the rows of a table."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Measure, Outcome, Verdict

STYLES = {Verdict.KEPT: "green", Verdict.BROKEN: "bold red", Verdict.UNKNOWN: "yellow"}
WIDTH = 118  # where there is no terminal


def as_json(found: list[tuple[Measure, Outcome]], facts: dict[str, Any]) -> dict[str, Any]:
    """All that was found, every sample included."""
    return {**facts, "measures": [_measure_as_json(*one) for one in found]}


def rows(measure: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """The name of a measure, then figure, value, bound and verdict, or what could not be done."""
    bounds = {bound["figure"]: bound for bound in measure["bounds"]}
    missing = [name for name in bounds if name not in measure["figures"]]
    found = []
    for name in [*measure["figures"], *missing]:
        bound = bounds.get(name, {"must_be": "", "verdict": ""})
        value = "" if name in missing else number(measure["figures"][name])
        found.append((name, value, bound["must_be"], bound["verdict"]))
    found += [(problem, "", "", "") for problem in measure["problems"]]
    return [("" if place else measure["name"], *row) for place, row in enumerate(found)]


def show(results: dict[str, Any]) -> None:
    """Prints the table, also where there is no terminal."""
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(table(results))


def table(results: dict[str, Any]) -> Table:
    """One line for each figure, with its bound and whether that was kept."""
    machine, versions = results["machine"], results["versions"]
    made = Table(
        title=f"{machine['cpu']}, {machine['cores']} cores, PostgreSQL {versions['postgresql']}, "
        f"Python {versions['python']}, oppspot-runner {versions['oppspot-runner']} "
        f"({versions['commit']}), load {machine['load_average']}",
        caption="medians of alternated rounds; fsync and synchronous_commit on",
    )
    made.add_column("measure", style="bold")
    made.add_column("figure")
    for heading in ("value", "bound"):
        made.add_column(heading, justify="right")
    made.add_column("verdict")
    for measure in results["measures"]:
        for *cells, verdict in rows(measure):
            style = STYLES[Verdict(verdict)] if verdict else ""
            made.add_row(*cells, verdict, style=style)
        made.add_section()
    return made


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _measure_as_json(measure: Measure, outcome: Outcome) -> dict[str, Any]:
    return {
        "name": measure.name,
        "what": measure.what,
        "figures": outcome.figures,
        "bounds": [
            {
                "figure": bound.figure,
                "must_be": str(bound),
                "verdict": bound.judge(outcome.figures).value,
            }
            for bound in measure.bounds
        ],
        "samples": outcome.samples,
        "problems": outcome.problems,
    }
