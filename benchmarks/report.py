"""The table for people and the JSON for programs: the same figures."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Bound, Measure, Outcome, Verdict

STYLES = {Verdict.KEPT: "green", Verdict.BROKEN: "bold red", Verdict.UNKNOWN: "yellow"}
WIDTH = 118


def table(found: list[tuple[Measure, Outcome]], facts: dict[str, Any]) -> Table:
    """One line for each figure, with its bound and whether that was kept."""
    machine, versions = facts["machine"], facts["versions"]
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
    for measure, outcome in found:
        for row in _rows(measure, outcome):
            made.add_row(*row)
        made.add_section()
    return made


def show(made: Table) -> None:
    """Prints the table, also where there is no terminal."""
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(made)


def as_json(found: list[tuple[Measure, Outcome]], facts: dict[str, Any]) -> dict[str, Any]:
    """All that was found, every sample included."""
    return {**facts, "measures": [_measure_as_json(*one) for one in found]}


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


def _rows(measure: Measure, outcome: Outcome) -> list[tuple[str, ...]]:
    bounds = {bound.figure: bound for bound in measure.bounds}
    names = [*outcome.figures, *(name for name in bounds if name not in outcome.figures)]
    rows = [_row(name, outcome, bounds.get(name)) for name in names]
    rows += [(f"[yellow]{problem}[/]", "", "", "") for problem in outcome.problems]
    return [(measure.name if not place else "", *row) for place, row in enumerate(rows)]


def _row(name: str, outcome: Outcome, bound: Bound | None) -> tuple[str, str, str, str]:
    value = outcome.figures.get(name)
    shown = "" if value is None else number(value)
    if bound is None:
        return name, shown, "", ""
    verdict = bound.judge(outcome.figures)
    return name, shown, str(bound), f"[{STYLES[verdict]}]{verdict.value}[/]"


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
