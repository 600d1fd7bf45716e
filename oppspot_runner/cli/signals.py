"""`signals list|show|act|dismiss`: people read what agents saw, and say what became of it."""

from __future__ import annotations

import getpass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from oppspot_runner.cli import output
from oppspot_runner.cli.output import say
from oppspot_runner.cli.session import client_of, json_option, open_database, runs
from oppspot_runner.cli.values import length_of_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

STATUSES = ("active", "acted_upon", "expired", "false_positive", "unconfirmed")
SAID = {"acted_upon": "acted upon", "false_positive": "a false positive"}


@click.group(epilog="Example: oppspot-runner signals list --stream Leads --since 7d")
def signals() -> None:
    """List and show buying signals; say that one was acted upon, or dismiss it."""


@signals.command(
    "list", epilog="Example: oppspot-runner signals list --type funding_round --since 7d"
)
@click.option("--company", help="Only those at this company (id, number, domain or name).")
@click.option("--stream", help="Only those at companies of this stream (id or name).")
@click.option("--type", "signal_type", help="Only those, such as funding_round.")
@click.option("--status", type=click.Choice(STATUSES), help="Only those.")
@click.option(
    "--since",
    callback=length_of_time,
    metavar="LENGTH",
    help="Only those first seen since then: 12h, 7d.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@runs
async def list_(
    company: str | None,
    stream: str | None,
    signal_type: str | None,
    status: str | None,
    since: timedelta | None,
    limit: int,
    as_json: bool,
) -> None:
    """List signals, the newest first."""
    from oppspot_runner.streams import directory, resolution, signal_decisions

    async with open_database() as db:
        rows = await signal_decisions.list_signals(
            db,
            company_id=await resolution.find_company(db, company) if company else None,
            stream_id=await client_of(db).run(directory.find_stream(stream)) if stream else None,
            signal_type=signal_type,
            status=status,
            since=since,
            limit=limit,
        )
    if as_json:
        output.print_json(rows)
    elif rows:
        columns = ["id", "status", "type", "strength", "sure>", "company...", "what...", "occurred"]
        output.show(output.table(columns, map(_listed, rows)))
    else:
        click.echo("There are no such signals.")


@signals.command(epilog="Example: oppspot-runner signals show 01957c2e")
@click.argument("signal")
@json_option
@runs
async def show(signal: str, as_json: bool) -> None:
    """Show a SIGNAL: who tells of it, since when, and what it is worth in a score today."""
    from oppspot_runner.streams import signal_decisions

    async with open_database() as db:
        row = await signal_decisions.show(db, await signal_decisions.find_signal(db, signal))
    if as_json:
        output.print_json(row)
    else:
        output.show(*_shown(row))


@signals.command(epilog="Example: oppspot-runner signals act 01957c2e")
@click.argument("signal")
@json_option
@runs
async def act(signal: str, as_json: bool) -> None:
    """Say that somebody acted upon a SIGNAL. It goes on counting until it expires."""
    await _decided(signal, "acted_upon", as_json)


@signals.command(epilog="Example: oppspot-runner signals dismiss 01957c2e")
@click.argument("signal")
@json_option
@runs
async def dismiss(signal: str, as_json: bool) -> None:
    """Say that a SIGNAL is false. It counts no more, and is not new when it is seen again."""
    await _decided(signal, "false_positive", as_json)


async def _decided(signal: str, status: str, as_json: bool) -> None:
    from oppspot_runner.streams import signal_decisions

    async with open_database() as db:
        signal_id = await signal_decisions.find_signal(db, signal)
        row = await signal_decisions.decide(db, signal_id, status, decided_by=getpass.getuser())
    text = f"{row['title']!r} is {SAID[status]} from now on. The next scoring minds it."
    say(row, text, as_json)


def _listed(row: dict[str, Any]) -> tuple[Any, ...]:
    names = ("id", "status", "signal_type", "strength")
    sure = f"{row['confidence']}%"
    return (*(row[name] for name in names), sure, row["company"], row["title"], row["occurred_at"])


def _shown(row: dict[str, Any]) -> Iterator[RenderableType]:
    worth = "nothing" if row["effect"] is None else f"{row['effect']:.2f} of 1"
    decided = f"by {row['decided_by']}, {row['decided_at']}" if row["decided_by"] else None
    yield output.styled(f"{row['company']}: {row['title']}", "bold")
    yield output.fields(
        [
            ("signal", row["id"]),
            ("organisation", row["org_id"]),
            ("type", row["signal_type"]),
            ("status", row["status"]),
            ("decided", decided),
            ("strength", row["strength"]),
            ("confidence", f"{row['confidence']}%"),
            ("worth today", worth),
            ("occurred", row["occurred_at"]),
            ("expires", row["expires_at"]),
            ("seen by", row["detected_by_name"]),
            *((name, value) for name, value in row["data"].items()),
        ]
    )
    if row["sightings"]:
        columns = ["source", "sure>", "first seen", "last seen", "where..."]
        yield output.table(columns, map(_sighting, row["sightings"]))


def _sighting(one: dict[str, Any]) -> tuple[Any, ...]:
    return (
        one["source"],
        f"{one['confidence']}%",
        datetime.fromisoformat(one["first_seen_at"]),
        datetime.fromisoformat(one["last_seen_at"]),
        one["url"] or one["key"],
    )
