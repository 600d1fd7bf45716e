"""Puts the figures of a run into the page about performance.

`python -m benchmarks.page build/benchmarks.json` keeps the run as `benchmarks/results.json` and
writes its table between the two marks of the page; without an argument it writes the kept one.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.product import ROOT
from benchmarks.report import number

PAGE = ROOT / "docs" / "explanation" / "performance.md"
RESULTS = ROOT / "benchmarks" / "results.json"
BEGIN, END = "<!-- figures, by python -m benchmarks.page -->", "<!-- end of figures -->"


def figures(results: dict[str, Any]) -> str:
    """A run as Markdown: under which conditions, each bound with its figure, and all figures."""
    lines = [_conditions(results), ""]
    lines += ["| measure | figure | value | must be | |", "|---|---|---|---|---|"]
    for measure in results["measures"]:
        lines += _rows(measure)
    return "\n".join(lines)


def page(text: str, results: dict[str, Any]) -> str:
    """The text of the page with the figures of a run in it."""
    block = f"{BEGIN}\n\n{figures(results)}\n\n{END}"
    return re.sub(f"{BEGIN}.*{END}", lambda _: block, text, flags=re.DOTALL)


def _conditions(results: dict[str, Any]) -> str:
    machine, versions = results["machine"], results["versions"]
    return (
        f"{results['at'][:10]}, {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory_gb']} GB, Linux {machine['kernel']}, {machine['filesystem']} "
        f"(a commit waits {machine['fdatasync_ms']} ms for it), load {machine['load_average']} "
        f"before the run; PostgreSQL {versions['postgresql']} with shared_buffers "
        f"{results['settings']['shared_buffers']}, Python {versions['python']}, psycopg "
        f"{versions['psycopg']}, oppspot-runner {versions['commit']}; medians of "
        f"{results['rounds']} alternated rounds."
    )


def _rows(measure: dict[str, Any]) -> list[str]:
    bounds = {bound["figure"]: bound for bound in measure["bounds"]}
    names = [*measure["figures"], *(name for name in bounds if name not in measure["figures"])]
    rows = []
    for name in names:
        value = measure["figures"].get(name)
        shown = "" if value is None else number(value)
        bound = bounds.get(name, {"must_be": "", "verdict": ""})
        rows.append(f"{name} | {shown} | {bound['must_be']} | {bound['verdict']} |")
    rows += [f"{problem} | | | |" for problem in measure["problems"]]
    return [f"| {measure['name'] if not place else ''} | {row}" for place, row in enumerate(rows)]


def main() -> None:
    """Keeps the run that is given, and writes the page."""
    if len(sys.argv) > 1:
        RESULTS.write_text(Path(sys.argv[1]).read_text())
    PAGE.write_text(page(PAGE.read_text(), json.loads(RESULTS.read_text())))


if __name__ == "__main__":
    main()
