"""`doctor`: what is wrong here, and how to mend it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from oppspot_runner.app.doctor.examination import examine
from oppspot_runner.app.doctor.finding import Finding, Severity
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import load_settings
from oppspot_runner.cli import output
from oppspot_runner.cli.session import json_option, runs

if TYPE_CHECKING:
    from rich.console import RenderableType

STYLES: dict[Severity, str] = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(epilog="Example: oppspot-runner doctor --deep")
@click.option("--deep", is_flag=True, help="Also send a health check through every runner.")
@json_option
@runs
async def doctor(deep: bool, as_json: bool) -> None:
    """Look at settings, database, schema and runners, and say how to mend what is wrong.

    Changes nothing: the claim that it measures is rolled back; only --deep adds a task for each
    runner, and waits for it. Exits 1 when something keeps tasks from running as promised; what
    could be better is a warning.
    """
    try:
        found = await examine(load_settings(), deep=deep)
    except ConfigurationError as error:
        found = [Finding("settings", "fail", str(error), error.hint)]
    worst = max((one.severity for one in found), key=list(STYLES).index)
    if as_json:
        output.print_json({"worst": worst, "findings": [asdict(one) for one in found]})
    else:
        output.show(_table(found))
    if worst == "fail":
        sys.exit(1)


def _table(found: list[Finding]) -> RenderableType:
    from rich.table import Table

    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(no_wrap=True)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for one in found:
        made.add_row(
            output.styled(one.severity, STYLES[one.severity]),
            output.styled(one.check),
            output.styled(one.text),
        )
        if one.fix is not None:
            made.add_row("", output.styled("fix", "dim"), output.styled(one.fix, "bold"))
    return made
