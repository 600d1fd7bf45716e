"""`limits list|set|remove`: how many tasks run at once, and how many start in a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

import click
from psycopg.rows import DictRow

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.rate import starts_per_second, written_rate
from oppspot_runner.cli import output
from oppspot_runner.cli.scope import exact_key, scope_options
from oppspot_runner.cli.session import json_option, open_database, runs, say
from oppspot_runner.db.pool import Database
from oppspot_runner.limits import task_limits
from oppspot_runner.limits.task_limits import EVERY_KEY, MOST_AT_ONCE, Limit, Scope
from oppspot_runner.queue import control

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.group(epilog="Example: oppspot-runner limits set --type crawl --concurrency 10")
def limits() -> None:
    """List, set and remove limits: how many tasks run at once, and how many start in a while.

    A limit holds over all runners together, for an agent, a type, an organisation or a key. Of
    several on a task the narrowest counts.
    """


@limits.command("list", epilog="Example: oppspot-runner limits list")
@json_option
@runs
async def list_(as_json: bool) -> None:
    """List limits, with what runs under each now and how many more may start at once."""
    async with open_database() as database:
        rows = await task_limits.list_limits(database)
    if as_json:
        output.print_json([_as_json(row) for row in rows])
    elif rows:
        output.show(_table(rows))
    else:
        click.echo("No limit.")


def _scoped(command: Callable[..., Any]) -> Callable[..., Any]:
    key = click.option("--key", help=f"Tasks of this limit_key; {EVERY_KEY!r} is each one.")
    return scope_options(key(command))


def _rate(_ctx: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is not None:
        try:
            starts_per_second(text)
        except InvalidInputError as error:
            raise click.BadParameter(error.one_line()) from None
    return text


@limits.command("set", epilog="Example: oppspot-runner limits set --agent Finder --rate 100/m")
@_scoped
@click.option(
    "--concurrency", type=click.IntRange(0, MOST_AT_ONCE), help="So many at once; 0: none starts."
)
@click.option("--rate", callback=_rate, help="So many starts on average: 10/s, 100/m, 90/5m.")
@click.option(
    "--burst",
    type=click.IntRange(1, MOST_AT_ONCE),
    help="So many starts at once after a pause (default: those of a second, at least 1).",
)
@click.option(
    "--weight",
    type=click.FloatRange(0, MOST_AT_ONCE, min_open=True),
    help="Share of an organisation where runners share fairly (default 1).",
)
@json_option
@runs
async def set_(as_json: bool, **given: Any) -> None:
    """Set the limit of an agent, a type, an organisation or a key, in place of the old one."""
    scope, name = _named(given)
    numbers = {key: given[key] for key in ("concurrency", "rate", "burst", "weight")}
    if all(number is None for number in numbers.values()):
        raise click.UsageError("how much? Give --concurrency, --rate or --weight")
    limit = Limit(**{key: number for key, number in numbers.items() if number is not None})
    async with open_database() as database:
        key = await exact_key(database, scope, name)
        await task_limits.set_limit(database, scope, key, limit)
        known = await _is_known(database, scope, key)
    note = "" if known else f" Note: nothing has the {scope} {name} yet."
    text = f"The limit of {_called(scope, name)} is {_in_words(limit)}.{note}"
    say({"scope": scope, "key": key, **numbers, "known": known}, text, as_json)


@limits.command(epilog="Example: oppspot-runner limits remove --key shop.example")
@_scoped
@json_option
@runs
async def remove(as_json: bool, **given: Any) -> None:
    """Take away what was set for an agent, a type, an organisation or a key."""
    scope, name = _named(given)
    async with open_database() as database:
        key = await exact_key(database, scope, name)
        removed = await task_limits.remove_limit(database, scope, key)
    called = _called(scope, name)
    text = f"The limit of {called} was removed." if removed else f"There is no limit of {called}."
    say({"scope": scope, "key": key, "removed": removed}, text, as_json)


def _named(given: dict[str, Any]) -> tuple[Scope, str]:
    options = {scope: "of_type" if scope == "type" else scope for scope in get_args(Scope)}
    chosen = [(s, given[name]) for s, name in options.items() if given[name] is not None]
    if len(chosen) != 1:
        raise click.UsageError("give one of --agent, --type, --org and --key")
    return chosen[0]


async def _is_known(database: Database, scope: Scope, key: str) -> bool:
    # A key needs nobody who knows it: tasks bring theirs with them.
    return scope == "key" or await control.is_known(database, scope, key)


def _called(scope: str, name: str) -> str:
    return "each key" if (scope, name) == ("key", EVERY_KEY) else f"{scope} {name}"


def _in_words(limit: Limit) -> str:
    parts = [] if limit.concurrency is None else [f"{limit.concurrency} at once"]
    parts += [] if limit.rate is None else [limit.rate.replace(" ", "")]
    parts += [] if limit.burst is None else [f"a burst of {limit.burst}"]
    parts += [] if limit.weight == 1 and parts else [f"a weight of {limit.weight:g}"]
    return ", ".join(parts)


def _as_json(row: DictRow) -> dict[str, Any]:
    rate = row["rate"]
    written = None if rate is None else written_rate(rate)
    return {**row, "rate": written, "starts_per_second": rate}


def _table(rows: list[DictRow]) -> RenderableType:
    columns = ["scope", "name...", "at once>", "running>", "rate", "burst>", "left>", "weight>"]
    return output.table(
        [*columns, "source"],
        [
            (
                row["scope"],
                _shown_name(row),
                row["concurrency"],
                row["running"],
                "" if row["rate"] is None else written_rate(row["rate"]),
                "" if row["burst"] is None else f"{row['burst']:g}",
                "" if row["tokens"] is None else f"{row['tokens']:.1f}",
                "" if row["weight"] == 1 else f"{row['weight']:g}",
                row["source"],
            )
            for row in rows
        ],
    )


def _shown_name(row: DictRow) -> str:
    name: str = row["key"] if row["name"] is None else row["name"]
    return "* (each key)" if (row["scope"], name) == ("key", EVERY_KEY) else name
