"""`companies show|merge|unmerge|merge-same|duplicates|distinct`: the same company twice."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

import click

from oppspot_runner.cli import output
from oppspot_runner.cli.session import json_option, open_database, runs
from oppspot_runner.streams import resolution

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_FACTS = 40


@click.command(epilog="Example: oppspot-runner companies show acme.com")
@click.argument("company")
@json_option
@runs
async def show(company: str, as_json: bool) -> None:
    """Show a COMPANY (id, number, domain or name): its facts, streams and merges."""
    async with open_database() as db:
        row = await resolution.show(db, await resolution.find_company(db, company))
    if as_json:
        output.print_json(row)
    else:
        output.show(*_shown(row))


@click.command(epilog="Example: oppspot-runner companies merge 'Acme Ltd' acme.com")
@click.argument("company")
@click.argument("into")
@click.option("--reason", default="by hand", show_default=True, help="Kept with the merge.")
@json_option
@runs
async def merge(company: str, into: str, reason: str, as_json: bool) -> None:
    """Merge COMPANY INTO another one. Facts and places in streams follow; unmerge takes it back.

    Of two places in one stream the one with the better score stays.
    """
    async with open_database() as db:
        gone = await resolution.find_company(db, company)
        kept = await resolution.find_company(db, into)
        merged = await resolution.merge(db, gone, kept, reason=reason, merged_by=getpass.getuser())
    text = f"{gone} is merged into {kept}. Take it back with `companies unmerge {gone}`."
    output.say({"id": merged, "company_id": gone, "merged_into": kept}, text, as_json)


@click.command(epilog="Example: oppspot-runner companies unmerge 01957c2e-77aa")
@click.argument("company")
@json_option
@runs
async def unmerge(company: str, as_json: bool) -> None:
    """Take the merge of a COMPANY (its id) back, with its facts and its places in streams."""
    async with open_database() as db:
        gone = await resolution.find_company(db, company)
        kept = await resolution.unmerge(db, gone)
    text = f"{gone} is a company of its own again, beside {kept}."
    output.say({"company_id": gone, "was_merged_into": kept}, text, as_json)


@click.command("merge-same", epilog="Example: oppspot-runner companies merge-same --dry-run")
@click.option("--dry-run", is_flag=True, help="Say what would be merged; change nothing.")
@json_option
@runs
async def merge_same(dry_run: bool, as_json: bool) -> None:
    """Merge companies of different sources with the same domain, or the same name and country.

    Imports do it for what they add. Numbers or domains that differ forbid it, and so does a second
    candidate.
    """
    async with open_database() as db:
        pairs = await resolution.same(db)
        merged = 0
        if not dry_run:
            merged = await resolution.merge_same(db, pairs, merged_by=getpass.getuser())
    if as_json:
        output.print_json({"found": len(pairs), "merged": merged, "pairs": pairs})
        return
    rows = [(pair["name"], pair["into_name"], pair["reason"]) for pair in pairs]
    output.show(output.table(["company...", "is...", "same"], rows))
    click.echo(f"{len(pairs)} found, {merged} merged.")


@click.command(epilog="Example: oppspot-runner companies duplicates --country GB")
@click.option("--country", metavar="XX", help="Look only there: ISO 3166 code of two letters.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.option("--known", is_flag=True, help="Only show what was found before.")
@json_option
@runs
async def duplicates(country: str | None, limit: int, known: bool, as_json: bool) -> None:
    """Look for companies of one town whose names are alike; somebody decides.

    `companies merge` if they are the same, `companies distinct` if they are not.
    """
    async with open_database() as db:
        if not known:
            await resolution.look_for_duplicates(db, country=country and country.upper())
        rows = await resolution.duplicates(db, limit=limit)
    if as_json:
        output.print_json(rows)
    elif rows:
        columns = ["alike>", "name...", "id", "other...", "id", "town"]
        names = ("likeness", "name", "company_id", "other_name", "other_id", "town")
        output.show(output.table(columns, [[row[name] for name in names] for row in rows]))
    else:
        click.echo("No names are that much alike.")


@click.command(epilog="Example: oppspot-runner companies distinct 01957c2e-77aa 01957c2e-8b10")
@click.argument("company")
@click.argument("other")
@json_option
@runs
async def distinct(company: str, other: str, as_json: bool) -> None:
    """Remember that COMPANY and OTHER are two companies; they are not suggested again."""
    async with open_database() as db:
        one = await resolution.find_company(db, company)
        two = await resolution.find_company(db, other)
        await resolution.dismiss(db, one, two)
    output.say({"company_id": one, "other_id": two}, "They are kept apart.", as_json)


COMMANDS = (show, merge, unmerge, merge_same, duplicates, distinct)


def _shown(row: dict[str, Any]) -> list[RenderableType]:
    hidden = {"facts", "streams", "merged", "merged_into", "name"}
    known = [(name, value) for name, value in row.items() if name not in hidden and value]
    parts: list[RenderableType] = [output.styled(row["name"], "bold"), output.fields(known)]
    if row["merged_into"]:
        into = row["merged_into"]
        parts.append(output.styled(f"Merged into {into['name']} ({into['id']})."))
    if row["merged"]:
        merged = [(one["name"], one["reason"], one["id"]) for one in row["merged"]]
        parts.append(output.table(["merged here...", "because", "id"], merged))
    if row["streams"]:
        streams = [(one["stream"], one["score"], one["priority"]) for one in row["streams"]]
        parts.append(output.table(["in stream...", "score>", "priority"], streams))
    facts = [(one["field"], one["value"], one["source"]) for one in row["facts"][:MOST_FACTS]]
    if facts:
        parts.append(output.table(["field", "value...", "source"], facts))
    return parts
