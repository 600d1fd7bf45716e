"""`drafts list|show|approve|reject|sent|withdraw`: people read drafts and decide."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

import click

from oppspot_runner.base.fitting import fitting
from oppspot_runner.cli import output
from oppspot_runner.cli.output import say
from oppspot_runner.cli.session import client_of, json_option, open_database, runs
from oppspot_runner.drafts.sheet import Claim, Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

STATUSES = ("draft", "approved", "rejected", "sent_elsewhere", "withdrawn")
CHANNELS = ("email", "linkedin", "call")


@click.group(epilog="Example: oppspot-runner drafts list --status draft")
def drafts() -> None:
    """List, show, approve, reject and withdraw drafts; note what was sent. Nothing sends them."""


@drafts.command("list", epilog="Example: oppspot-runner drafts list --status draft --stream Leads")
@click.option("--status", type=click.Choice(STATUSES), help="Only those.")
@click.option("--channel", type=click.Choice(CHANNELS), help="Only those.")
@click.option("--company", help="Only those to this company (id, number, domain or name).")
@click.option("--stream", help="Only those of this stream (id or name).")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@runs
async def list_(
    status: str | None,
    channel: str | None,
    company: str | None,
    stream: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List drafts, the newest first."""
    from oppspot_runner.streams import directory, draft_decisions, resolution

    async with open_database() as db:
        rows = await draft_decisions.list_drafts(
            db,
            status=status,
            channel=channel,
            company_id=await resolution.find_company(db, company) if company else None,
            stream_id=await client_of(db).run(directory.find_stream(stream)) if stream else None,
            limit=limit,
        )
    if as_json:
        output.print_json(rows)
    elif rows:
        columns = ["id", "status", "channel", "company...", "to...", "subject...", "by", "written"]
        output.show(output.table(columns, map(_listed, rows)))
    else:
        click.echo("There are no drafts.")


@drafts.command(epilog="Example: oppspot-runner drafts show 01957c2e")
@click.argument("draft")
@json_option
@runs
async def show(draft: str, as_json: bool) -> None:
    """Show a DRAFT: its words, and what each claim rests on, with sources and dates."""
    from oppspot_runner.streams import draft_decisions

    async with open_database() as db:
        row = await draft_decisions.show(db, await draft_decisions.find_draft(db, draft))
    if as_json:
        output.print_json(row)
    else:
        output.show(*_shown(row))


@drafts.command(epilog="Example: oppspot-runner drafts approve 01957c2e")
@click.argument("draft")
@json_option
@runs
async def approve(draft: str, as_json: bool) -> None:
    """Approve a DRAFT, if its facts still hold and nobody asked not to be written to."""
    await _decided(draft, "approved", None, as_json)


@drafts.command(epilog="Example: oppspot-runner drafts reject 01957c2e --reason 'too stiff'")
@click.argument("draft")
@click.option("--reason", help="Kept with the draft.")
@json_option
@runs
async def reject(draft: str, reason: str | None, as_json: bool) -> None:
    """Reject a DRAFT. Its company is written to again when its facts change."""
    await _decided(draft, "rejected", reason, as_json)


@drafts.command(epilog="Example: oppspot-runner drafts sent 01957c2e")
@click.argument("draft")
@json_option
@runs
async def sent(draft: str, as_json: bool) -> None:
    """Note that somebody sent an approved DRAFT, by mail or otherwise."""
    await _decided(draft, "sent_elsewhere", None, as_json)


@drafts.command(epilog="Example: oppspot-runner drafts withdraw 01957c2e --reason 'old news'")
@click.argument("draft")
@click.option("--reason", help="Kept with the draft.")
@json_option
@runs
async def withdraw(draft: str, reason: str | None, as_json: bool) -> None:
    """Withdraw a DRAFT. The writer may write to its company again."""
    await _decided(draft, "withdrawn", reason, as_json)


async def _decided(draft: str, status: str, reason: str | None, as_json: bool) -> None:
    from oppspot_runner.streams import draft_decisions

    async with open_database() as db:
        draft_id = await draft_decisions.find_draft(db, draft)
        row = await draft_decisions.decide(
            db, draft_id, status, decided_by=getpass.getuser(), reason=reason
        )
    text = f"The draft {draft_id} is {status.replace('_', ' ')}, by {row['decided_by']}."
    if status == "approved":
        text += f" Send it yourself, then say so: oppspot-runner drafts sent {draft_id}"
    say(row, text, as_json)


def _listed(row: dict[str, Any]) -> tuple[Any, ...]:
    to = row["recipient"] or row["recipient_email"]
    own = [row[name] for name in ("id", "status", "channel", "company")]
    return (*own, to, row["subject"], row["written_by"], row["created_at"])


def _shown(row: dict[str, Any]) -> Iterator[RenderableType]:
    from rich.console import Group

    to = " ".join(filter(None, (row["recipient"], row["recipient_email"])))
    decided = f"{row['status']} by {row['decided_by']}" if row["decided_at"] else row["status"]
    yield output.fields(
        [
            ("draft", row["id"]),
            ("to", f"{row['company']} {f'({to})' if to else ''}".strip()),
            ("channel", f"{row['channel']}, {row['language']}, {row['tone']}"),
            ("status", decided),
            ("reason", row["reason"]),
            ("written", f"by {row['written_by']}, {output.moment(row['created_at'])}"),
            ("subject", row["subject"]),
        ]
    )
    yield Group(*(output.styled(line) for line in row["body"].splitlines()))
    facts = {fact.id: fact for fact in fitting(Fact, row["facts"])}
    told = [
        (claim, facts.get(one)) for claim in fitting(Claim, row["claims"]) for one in claim.fact_ids
    ]
    rows = [(claim.text, *_of_fact(fact)) for claim, fact in told if fact]
    yield output.table(["says...", "because...", "source", "sure>", "seen", "good until"], rows)
    for warning in row["warnings"]:
        yield output.styled(f"Do not approve it: {warning}.", "yellow")


def _of_fact(fact: Fact) -> tuple[Any, ...]:
    days = [str(day.date()) for day in (fact.observed_at, fact.good_until)]
    return (fact.text, fact.source_url or fact.source, f"{fact.confidence:.0%}", *days)
