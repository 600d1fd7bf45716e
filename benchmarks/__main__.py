"""The command: `python -m benchmarks [MEASURE ...]`."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import NoReturn

import click

from benchmarks import machine, report, server
from benchmarks.bench import Bench
from benchmarks.contenders.everyone import REMARKS
from benchmarks.measure import Measure, Outcome
from benchmarks.measures import ALL
from benchmarks.rounds import reason
from benchmarks.sizes import FULL, NORMAL, QUICK, Sizes

MEASURES = [measure.name for measure in ALL]
EXTENTS = {"quick": QUICK, "full": FULL}
SIZES = [field.name for field in fields(Sizes)]


@click.command(
    epilog="Measures: " + ", ".join(MEASURES) + ". Sizes: " + ", ".join(SIZES) + ".",
    context_settings={"max_content_width": 100},
)
@click.argument("names", nargs=-1, metavar="[MEASURE]...", type=click.Choice(MEASURES))
@click.option("--quick", "extent", flag_value="quick", help="Small sizes, one round.")
@click.option("--full", "extent", flag_value="full", help="Millions of rows.")
@click.option("--rounds", type=click.IntRange(1), help="How often everybody has its turn.")
@click.option("--size", "given", multiple=True, metavar="NAME=N", help="Another size. Repeatable.")
@click.option(
    "--only", multiple=True, type=click.Choice(list(REMARKS)), help="Only this one. Repeatable."
)
@click.option(
    "--profile",
    type=click.Path(dir_okay=False, resolve_path=True, path_type=Path),
    help="Run our runner under cProfile and write what it saw here.",
)
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("build/benchmarks.json"),
    show_default=True,
    help="Where the JSON goes.",
)
def main(
    names: tuple[str, ...],
    extent: str | None,
    rounds: int | None,
    given: tuple[str, ...],
    only: tuple[str, ...],
    profile: Path | None,
    json_path: Path,
) -> None:
    """Measure the runner and its peers on a server of our own; print a table, write JSON."""
    signal.signal(signal.SIGTERM, _stop)
    sizes = sized(EXTENTS.get(extent or "", NORMAL), given)
    chosen = [measure for measure in ALL if not names or measure.name in names]
    with server.running() as own:
        bench = Bench(
            own, sizes, rounds or (1 if extent == "quick" else 3), frozenset(only), profile
        )
        facts = machine.conditions(bench)
        found = list(outcomes(bench, chosen))
    results = report.as_json(found, facts)
    report.show(results)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(results, indent=2) + "\n")
    click.echo(f"JSON: {json_path}")


def outcomes(bench: Bench, chosen: list[Measure]) -> Iterator[tuple[Measure, Outcome]]:
    """One measure after the other; those that were done when somebody ends it early."""
    try:
        for measure in chosen:
            yield measure, run(bench, measure)
    except (KeyboardInterrupt, SystemExit):
        bench.say("stopped: this is what was measured until then")


def run(bench: Bench, measure: Measure) -> Outcome:
    """One measure; a failure of it is its outcome, and the others go on."""
    bench.say(f"{measure.name}: {measure.what}")
    started = time.monotonic()
    try:
        outcome = measure.run(bench)
    except Exception as error:  # noqa: BLE001 - the table says it
        outcome = Outcome(problems=[reason(error)])
    bench.say(f"  {time.monotonic() - started:.0f} s")
    return outcome


def sized(sizes: Sizes, given: tuple[str, ...]) -> Sizes:
    """`sizes` with what was given as NAME=N."""
    for one in given:
        name, _, value = one.partition("=")
        if name not in SIZES or not value.isdecimal():
            raise click.BadParameter(f"{one}: wanted NAME=N, with one of {', '.join(SIZES)}")
        sizes = replace(sizes, **{name: int(value)})
    return sizes


def _stop(*_: object) -> NoReturn:
    sys.exit("stopped")


if __name__ == "__main__":
    main()
