"""`tokens list|create|rotate|revoke`: who may use HTTP."""

from __future__ import annotations

import getpass
from contextlib import suppress
from datetime import timedelta
from typing import Any

import click

from oppspot_runner.app import tokens as store
from oppspot_runner.app.tokens import MadeToken
from oppspot_runner.base.actor import SCOPES, Scope
from oppspot_runner.cli import output
from oppspot_runner.cli.session import json_option, open_database, runs, say
from oppspot_runner.cli.values import length_of_time
from oppspot_runner.db.acting import require_organisations
from oppspot_runner.streams.organizations import find_organization

ONE_DAY = timedelta(days=1)


@click.group(epilog="Example: oppspot-runner tokens create grafana --scope metrics --all")
def tokens() -> None:
    """List, create, rotate and revoke the tokens by which programs and people use HTTP."""


@tokens.command("list", epilog="Example: oppspot-runner tokens list")
@json_option
@runs
async def list_(as_json: bool) -> None:
    """List tokens, the newest first, with when each was used last."""
    async with open_database() as database:
        rows = await store.list_tokens(database)
    if as_json:
        output.print_json(rows)
        return
    if not rows:
        click.echo("No token. Make one with `oppspot-runner tokens create NAME`.")
        return
    columns = ["id", "name...", "scope", "organisation...", "begins", "state", "expires", "used"]
    output.show(output.table(columns, [_line(row) for row in rows]))


def _line(row: dict[str, Any]) -> list[Any]:
    whose = "all" if row["org_id"] is None else row["org_name"] or row["org_id"]
    told = [row[name] for name in ("beginning", "state", "expires_at", "last_used_at")]
    return [row["id"], row["name"], row["scope"], whose, *told]


@tokens.command(epilog="Example: oppspot-runner tokens create ci --scope run --org Acme")
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="read",
    show_default=True,
    help="How far it reaches: metrics, read, run the work of every day, admin.",
)
@click.option("--org", help="The organisation whose rows it sees: id or name.")
@click.option("--all", "of_all", is_flag=True, help="An operator's: sees the rows of everybody.")
@click.option("--expires", callback=length_of_time, help="How long it is good, as 30d: for ever.")
@json_option
@runs
async def create(
    name: str, scope: Scope, org: str | None, of_all: bool, expires: timedelta | None, as_json: bool
) -> None:
    """Make a token. It is shown once: nobody can read it again."""
    if (org is None) != of_all:
        raise click.UsageError("whose is it? Give one of --org and --all")
    async with open_database() as database:
        org_id = None if org is None else await find_organization(database, org)
        if org_id is not None:
            await require_organisations(database)
        made = await store.create_token(
            database, name, scope, org_id, good_for=expires, created_by=_who()
        )
    _tell(made, "", as_json)


@tokens.command(epilog="Example: oppspot-runner tokens rotate 0196f2a4 --keep 2h")
@click.argument("token_id")
@click.option(
    "--keep",
    callback=length_of_time,
    default="1d",
    show_default=True,
    help="How long the old one stays good beside the new one.",
)
@json_option
@runs
async def rotate(token_id: str, keep: timedelta, as_json: bool) -> None:
    """Make a new token in place of an old one, which stays good for a while.

    TOKEN_ID is the id in the list, or its first characters.
    """
    async with open_database() as database:
        found = await store.find_token(database, token_id)
        made = await store.rotate_token(database, found, stays=keep, created_by=_who())
    _tell(made, f" The old one is good for {output.span(keep.total_seconds())} more.", as_json)


@tokens.command(epilog="Example: oppspot-runner tokens revoke 0196f2a4")
@click.argument("token_id")
@json_option
@runs
async def revoke(token_id: str, as_json: bool) -> None:
    """End a token at once. TOKEN_ID is the id in the list, or its first characters."""
    async with open_database() as database:
        found = await store.find_token(database, token_id)
        revoked = await store.revoke_token(database, found)
    text = "was revoked: it is good no more" if revoked else "had been revoked before"
    say({"id": found, "revoked": revoked}, f"The token {found} {text}.", as_json)


def _tell(made: MadeToken, more: str, as_json: bool) -> None:
    row = made.row
    text = f"{made.secret}\nThis is the token {row['name']} of scope {row['scope']}, shown once."
    if as_json:
        output.print_json({**row, "token": made.secret})
    else:
        click.echo(text + more)


def _who() -> str | None:
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return None
