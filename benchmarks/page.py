"""Puts the figures of a run into the page about performance.

`python -m benchmarks.page build/benchmarks.json` keeps that run as `benchmarks/results.json` and
writes its table between the two marks of the page; without an argument it writes the kept run.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.product import ROOT
from benchmarks.report import rows

PAGE = ROOT / "docs" / "explanation" / "performance.md"
RESULTS = ROOT / "benchmarks" / "results.json"
BEGIN, END = "<!-- figures, by python -m benchmarks.page -->", "<!-- end of figures -->"


def figures(results: dict[str, Any]) -> str:
    """A run as Markdown: under which conditions, each bound with its figure, and all figures."""
    lines = [_conditions(results), ""]
    lines += ["| measure | figure | value | must be | |", "|---|---|---|---|---|"]
    for measure in results["measures"]:
        lines += ["| " + " | ".join(row) + " |" for row in rows(measure)]
    return "\n".join(lines)


def kept() -> dict[str, Any] | None:
    """The run that is kept, if there is one."""
    return json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else None


def page(text: str, results: dict[str, Any] | None) -> str:
    """The text of the page with the figures of a run in it."""
    shown = "No run is kept yet." if results is None else figures(results)
    block = f"{BEGIN}\n\n{shown}\n\n{END}"
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


def main() -> None:
    """Keeps the run that is given, and writes the page."""
    if len(sys.argv) > 1:
        RESULTS.write_text(Path(sys.argv[1]).read_text("utf-8"), "utf-8")
    PAGE.write_text(page(PAGE.read_text("utf-8"), kept()), "utf-8")


if __name__ == "__main__":
    main()
