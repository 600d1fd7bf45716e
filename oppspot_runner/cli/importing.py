"""`import`: companies from a package, the UK register or a CSV file; own contacts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import click

from oppspot_runner.cli.output import print_json, safe, show, table
from oppspot_runner.cli.progress import progress_bar
from oppspot_runner.cli.session import json_option, open_database, runs
from oppspot_runner.imports.contacts import CONTACT_FIELDS, import_contacts
from oppspot_runner.imports.mapping import USUAL_NAMES, parse_assignments
from oppspot_runner.imports.pipeline import ImportProgress, run_import
from oppspot_runner.imports.source import Source
from oppspot_runner.imports.tally import Example, ImportReport

Command = TypeVar("Command", bound=Callable[..., Any])

FIELDS = ", ".join(USUAL_NAMES)


@click.group("import", epilog="Example: oppspot-runner import csv companies.csv")
def import_group() -> None:
    """Bring companies into the database: csv, listed, companies-house; contacts: own contacts.

    Running an import again changes only what is new. Broken rows are left out and counted.
    """


def shared_options(command: Command) -> Command:
    """The options of every import."""
    for option in (
        json_option,
        click.option("--dry-run", is_flag=True, help="Say what it would do; write nothing."),
        click.option("--no-facts", is_flag=True, help="Do not record where each value came from."),
        click.option("--org", type=click.UUID, help="Organisation that may see them. Else: all."),
    ):
        command = option(command)
    return command


@import_group.command(epilog="Example: oppspot-runner import listed")
@shared_options
def listed(org: UUID | None, no_facts: bool, dry_run: bool, as_json: bool) -> None:
    """Some 1,800 real companies on stock exchanges; needs no network."""
    from oppspot_runner.imports.listed import Listed

    _run(Listed(), org, no_facts, dry_run, as_json)


@import_group.command(
    "companies-house",
    epilog="Example: oppspot-runner import companies-house BasicCompanyData.zip --sic 62,63",
)
@click.argument("file", metavar="FILE|ZIP|-")
@click.option("--sic", multiple=True, metavar="PREFIX,PREFIX", help="Only these SIC codes.")
@click.option("--status", "statuses", multiple=True, help='Only this status, such as "Active".')
@shared_options
def companies_house(
    file: str,
    sic: tuple[str, ...],
    statuses: tuple[str, ...],
    org: UUID | None,
    no_facts: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """The register of UK companies: the free file BasicCompanyData, as CSV or ZIP."""
    from oppspot_runner.imports.companies_house import CompaniesHouse

    source = CompaniesHouse(file, sic=_parts(sic), statuses=_parts(statuses))
    _run(source, org, no_facts, dry_run, as_json)


@import_group.command(
    "csv",
    help=f"""Any CSV file with a header. Columns with usual names are found by themselves.

    Give lists whose ids have nothing to do with each other different names with --source.

    Fields for --map: {FIELDS}.
    """,
    epilog='Example: oppspot-runner import csv leads.csv --map name="Account Name"',
)
@click.argument("file", metavar="FILE|ZIP|-")
@click.option("--map", "assignments", multiple=True, metavar="FIELD=COLUMN", help="Repeatable.")
@click.option("--source", "label", default="csv", show_default=True, help="Name for this list.")
@click.option("--encoding", help="Default: UTF-8, or UTF-16 where the file says so.")
@shared_options
def csv(
    file: str,
    assignments: tuple[str, ...],
    label: str,
    encoding: str | None,
    org: UUID | None,
    no_facts: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Any CSV file with a header."""
    from oppspot_runner.imports.csv_file import CsvFile

    source = CsvFile(file, parse_assignments(assignments), label=label, encoding=encoding)
    _run(source, org, no_facts, dry_run, as_json)


@import_group.command(
    help=f"""Own contacts from a CSV file with a header, as a CRM exports them.

    They lead to companies: relationship_agent looks for paths from them to those who decide.

    Fields for --map: {", ".join(CONTACT_FIELDS)}.
    """,
    epilog="Example: oppspot-runner import contacts contacts.csv",
)
@click.argument("file", metavar="FILE|ZIP|-")
@click.option("--map", "assignments", multiple=True, metavar="FIELD=COLUMN", help="Repeatable.")
@click.option("--source", "label", default="contacts", show_default=True, help="Name for the list.")
@click.option("--encoding", help="Default: UTF-8, or UTF-16 where the file says so.")
@click.option("--org", type=click.UUID, help="Organisation whose contacts they are.")
@click.option("--dry-run", is_flag=True, help="Say what it would do; write nothing.")
@json_option
@runs
async def contacts(
    file: str,
    assignments: tuple[str, ...],
    label: str,
    encoding: str | None,
    org: UUID | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Own contacts from a CSV file."""
    columns = parse_assignments(assignments, CONTACT_FIELDS)
    async with open_database() as database:
        report = await import_contacts(
            database,
            file,
            columns,
            org_id=org,
            label=label,
            encoding=encoding,
            dry_run=dry_run,
        )
    if as_json:
        print_json({**report.to_json(), "dry_run": dry_run})
        return
    counts = {name: report.counts[name] for name in ("inserted", "updated", "linked")}
    labels = {"linked": "known as an officer"}
    rows = [("read", report.tally.read), *((labels.get(n, n), c) for n, c in counts.items())]
    _print_counts(f"import:{label}", rows, report.tally.skipped, report.tally.repaired)
    _print_end(report.tally.examples, dry_run)


def _parts(texts: tuple[str, ...]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def _run(source: Source, org: UUID | None, no_facts: bool, dry_run: bool, as_json: bool) -> None:
    report = asyncio.run(_import(source, org, with_facts=not no_facts, dry_run=dry_run))
    if as_json:
        print_json(report.to_json())
    else:
        _print(report)


async def _import(
    source: Source, org: UUID | None, *, with_facts: bool, dry_run: bool
) -> ImportReport:
    async with open_database() as database:
        with progress_bar(source.name, "rows") as bar:

            def show_progress(progress: ImportProgress) -> None:
                bar.update(progress.done, progress.total, progress.rows)

            return await run_import(
                database,
                source,
                org_id=org,
                with_facts=with_facts,
                dry_run=dry_run,
                on_progress=show_progress,
            )


def _print(report: ImportReport) -> None:
    counts = [
        ("read", report.read),
        ("inserted", report.inserted),
        ("updated", report.updated),
        ("unchanged", report.unchanged),
        ("merged with companies of other sources", report.merged),
    ]
    more = [("facts recorded", report.facts), ("rows per second", report.rows_per_s)]
    _print_counts(report.source, counts, report.skipped, report.repaired, more)
    _print_end(report.examples, report.dry_run)


def _print_counts(
    source: str,
    counts: Sequence[tuple[str, int]],
    skipped: Mapping[str, int],
    repaired: Mapping[str, int],
    more: Sequence[tuple[str, int]] = (),
) -> None:
    rows = [
        *counts,
        *((f"left out: {reason}", count) for reason, count in skipped.items()),
        *((f"kept, but: {reason}", count) for reason, count in repaired.items()),
        *more,
    ]
    show(table([source, "rows>"], ((label, f"{count:,}") for label, count in rows)))


def _print_end(examples: Sequence[Example], dry_run: bool) -> None:
    if dry_run:
        click.echo("A dry run: nothing was written.")
    for example in examples:
        where = f"line {example.line}" if example.line else "a row"
        click.echo(safe(f"{where}: {example.reason}: {example.text}"))
