"""`costs`: what calls of models have cost; `costs budgets|suggest`, `costs budget set|remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import click
from psycopg.rows import DictRow

from oppspot_runner.base.wording import dollars
from oppspot_runner.cli import output
from oppspot_runner.cli.budget import budget
from oppspot_runner.cli.comparing import suggest
from oppspot_runner.cli.session import json_option, open_database, runs
from oppspot_runner.cli.values import past_time
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.limits import budgets as all_budgets
from oppspot_runner.limits.costs import By, Costs
from oppspot_runner.limits.costs import costs as sum_up

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

CLOCK = statement("tasks/clock")
COLUMNS = ["calls>", "failed>", "tokens in>", "tokens out>", "USD>", "no price>", "lost>"]


@click.group(
    invoke_without_command=True, epilog="Example: oppspot-runner costs --by agent --since 7d"
)
@click.option(
    "--by",
    type=click.Choice(get_args(By)),
    default="model",
    show_default=True,
    help="Sum up by this; a day is one of UTC.",
)
@click.option("--since", help="Calls from then on: 2h, 7d, or a time with its zone.")
@click.option("--until", help="Calls before that time.")
@click.option(
    "--limit",
    "most",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="Show so many rows at most.",
)
@json_option
@click.pass_context
def costs(context: click.Context, /, **given: Any) -> None:
    """Show what calls of language models cost; list budgets, set and remove a budget; suggest.

    Calls without a known price stand apart, and so do lost calls, of which nobody knows how they
    ended: with them is what they may have cost at most.
    """
    if context.invoked_subcommand is None:
        _show(**given)


@runs
async def _show(by: By, since: str | None, until: str | None, most: int, as_json: bool) -> None:
    async with open_database() as database:
        times = {"since": await _time(database, since), "until": await _time(database, until)}
        found = await sum_up(database, by, most=most, **times)
    if as_json:
        output.print_json({"by": by, **times, "rows": found.rows, "total": found.total})
    elif found.total is None:
        click.echo("No model was asked.")
    else:
        output.show(_table(by, found))


async def _time(database: Database, text: str | None) -> datetime | None:
    if text is None:
        return None
    row = await database.fetch_one(CLOCK)
    assert row is not None
    return past_time(text, row["now"])


def _table(by: By, found: Costs) -> RenderableType:
    rows = [(row["name"] or row["key"] or "(none)", *_sums(row)) for row in found.rows]
    assert found.total is not None
    if len(rows) > 1:
        rows.append(("all together", *_sums(found.total)))
    return output.table([f"{by}...", *COLUMNS], rows)


def _sums(row: DictRow) -> tuple[Any, ...]:
    lost = row["lost_calls"]
    return (
        row["calls"],
        row["failed_calls"] or "",
        row["input_tokens"],
        row["output_tokens"],
        dollars(row["cost_usd"]),
        row["unpriced_calls"] or "",
        f"{lost}, at most {dollars(row['lost_usd'])} USD" if lost else "",
    )


@costs.command("budgets", epilog="Example: oppspot-runner costs budgets")
@json_option
@runs
async def list_budgets(as_json: bool) -> None:
    """List budgets: what is spent in their periods of now, held by calls on their way, and left."""
    async with open_database() as database:
        rows = await all_budgets.balances(database)
    if as_json:
        output.print_json(rows)
    elif rows:
        output.show(_budgets(rows))
    else:
        click.echo("No budget.")


def _budgets(rows: list[DictRow]) -> RenderableType:
    amounts = ("limit_usd", "spent_usd", "held_usd", "left_usd")
    columns = ["scope", "name...", "period", "limit>", "spent>", "held>", "left>", "no price"]
    return output.table(
        columns,
        [
            (
                row["scope"],
                row["name"] or row["scope_id"],
                row["period"],
                *(dollars(row[name]) for name in amounts),
                _unpriced(row),
            )
            for row in rows
        ],
    )


def _unpriced(row: DictRow) -> str:
    tokens = row["unpriced_tokens"]
    return f"{row['on_unknown_price']}{f', {tokens:,} tokens' if tokens else ''}"


costs.add_command(budget)
costs.add_command(suggest)
