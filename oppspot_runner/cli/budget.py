"""`costs budget set|remove`: the most that calls of models may cost."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

import click

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.payload import identifier
from oppspot_runner.base.wording import dollars
from oppspot_runner.cli.session import client_of, json_option, open_database, runs, say
from oppspot_runner.db.pool import Database
from oppspot_runner.limits import budgets
from oppspot_runner.limits.budgets import OnUnknownPrice, Period, Scope
from oppspot_runner.queue import read
from oppspot_runner.streams import directory
from oppspot_runner.workflow.runs import find_run

period_option = click.option(
    "--period",
    type=click.Choice(get_args(Period)),
    default="total",
    show_default=True,
    help="In total, or in each day or month of UTC.",
)


@click.group(epilog="Example: oppspot-runner costs budget set --stream Fintech 50")
def budget() -> None:
    """Set and remove budgets. A call that would exceed one is not made, and its task fails."""


def _whose(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--org", help="An organisation (id)."),
        click.option("--stream", help="A stream (id or name)."),
        click.option("--agent", help="An agent (id or name), all its tasks together."),
        click.option("--run", help="A run (id, or its beginning)."),
        click.option("--task", help="A task (id, or its beginning)."),
    ):
        command = option(command)
    return command


def _amount(_ctx: click.Context, _param: click.Parameter, text: str) -> Decimal:
    try:
        return budgets.usd(text, "the amount")
    except ConfigurationError as error:
        raise click.BadParameter(error.one_line()) from None


@budget.command(
    "set",
    epilog="Example: oppspot-runner costs budget set --agent Writer 2.50 --period day",
)
@_whose
@click.argument("usd", callback=_amount)
@period_option
@click.option(
    "--on-unknown-price",
    type=click.Choice(get_args(OnUnknownPrice)),
    default="deny",
    show_default=True,
    help="Calls without a known price: not made, made with their tokens counted, or made.",
)
@json_option
@runs
async def set_(
    usd: Decimal, period: Period, on_unknown_price: OnUnknownPrice, as_json: bool, **given: Any
) -> None:
    """Set the budget of a task, run, agent, stream or organisation to so many USD."""
    async with open_database() as database:
        scope, scope_id = await _named(database, given)
        await budgets.set_budget(
            database, scope, scope_id, usd, period=period, on_unknown_price=on_unknown_price
        )
    data = {"scope": scope, "scope_id": scope_id, "limit_usd": usd, "period": period}
    text = f"The budget of {scope} {given[scope]} is {dollars(usd)} USD ({period})."
    say({**data, "on_unknown_price": on_unknown_price}, text, as_json)


@budget.command(epilog="Example: oppspot-runner costs budget remove --agent Writer --period day")
@_whose
@period_option
@json_option
@runs
async def remove(period: Period, as_json: bool, **given: Any) -> None:
    """Take a budget away. What its calls cost stays on record."""
    async with open_database() as database:
        scope, scope_id = await _named(database, given)
        removed = await budgets.remove_budget(database, scope, scope_id, period)
    called = f"{scope} {given[scope]} ({period})"
    text = f"The budget of {called} was removed." if removed else f"There is no budget of {called}."
    data = {"scope": scope, "scope_id": scope_id, "period": period, "removed": removed}
    say(data, text, as_json)


async def _named(database: Database, given: dict[str, Any]) -> tuple[Scope, UUID]:
    chosen = [scope for scope in get_args(Scope) if given[scope] is not None]
    if len(chosen) != 1:
        raise click.UsageError("give one of --task, --run, --agent, --stream and --org")
    (scope,) = chosen
    name = given[scope]
    client = client_of(database)
    match scope:
        case "task":
            return scope, await read.find_task(database, name)
        case "run":
            return scope, await find_run(database, name)
        case "agent":
            return scope, await client.run(directory.find_agent(name))
        case "stream":
            return scope, await client.run(directory.find_stream(name))
        case _:
            return scope, identifier(name, "the organisation")
