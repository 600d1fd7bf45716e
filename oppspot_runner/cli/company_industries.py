"""`companies industries`: what labels of industries mean here."""

from __future__ import annotations

from dataclasses import asdict

import click

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.cli import output
from oppspot_runner.cli.session import json_option, load
from oppspot_runner.companies.industries import Industry
from oppspot_runner.companies.industry_table import industry_table


@click.command(epilog="Example: oppspot-runner companies industries fintech")
@click.argument("label", required=False)
@json_option
def industries(label: str | None, as_json: bool) -> None:
    """Show the industries that goals can name, or all that one LABEL (or alias, or tag) stands for.

    The file of OPPSPOT_INDUSTRIES is put over those of the package; its faults are told with line.
    """
    load()
    table = industry_table()
    if label is None:
        _list(table.industries, as_json)
        return
    found = table.find(label)
    if found is None:
        raise NotFoundError(
            f"there is no industry {label!r}",
            hint="In a goal it stands for its own words and its own tag.",
        )
    if as_json:
        output.print_json(asdict(found))
    else:
        rows = [
            (name, ", ".join(value)) for name, value in asdict(found).items() if name != "label"
        ]
        output.show(output.styled(found.label, "bold"), output.fields(rows))


def _list(known: tuple[Industry, ...], as_json: bool) -> None:
    if as_json:
        output.print_json([asdict(one) for one in known])
        return
    rows = [(one.label, " ".join(one.sic), ", ".join(one.tags)) for one in known]
    output.show(output.table(["industry", "SIC...", "tags..."], rows))
