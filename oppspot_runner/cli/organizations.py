"""`organizations list|create`: to whom agents, streams and tokens belong."""

from __future__ import annotations

import click

from oppspot_runner.cli import output
from oppspot_runner.cli.session import json_option, open_database, runs, say
from oppspot_runner.streams.organizations import add_organization, list_organizations


@click.group(epilog="Example: oppspot-runner organizations create 'Acme Ltd'")
def organizations() -> None:
    """List and create organisations: to whom agents, streams, tasks and tokens belong."""


@organizations.command("list", epilog="Example: oppspot-runner organizations list")
@json_option
@runs
async def list_(as_json: bool) -> None:
    """List organisations, with how many agents, streams and tokens each has."""
    async with open_database() as database:
        rows = await list_organizations(database)
    if as_json:
        output.print_json(rows)
        return
    if not rows:
        click.echo("No organisation. Make one with `oppspot-runner organizations create NAME`.")
        return
    columns = ("id", "name", "agents", "streams", "tokens", "created_at")
    shown = [[row[column] for column in columns] for row in rows]
    output.show(output.table(["id", "name...", "agents>", "streams>", "tokens>", "made"], shown))


@organizations.command(epilog="Example: oppspot-runner organizations create 'Acme Ltd'")
@click.argument("name")
@json_option
@runs
async def create(name: str, as_json: bool) -> None:
    """Make an organisation."""
    async with open_database() as database:
        row = await add_organization(database, name)
    say(row, f"The organisation {row['name']} is {row['id']}.", as_json)
