"""`agents compare`: how the variants of agents do; `costs suggest`: which of them would save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from oppspot_runner.app.comparing import LEAST_ATTEMPTS, Comparison, Performance, comparisons
from oppspot_runner.base.intervals import Interval
from oppspot_runner.cli import output
from oppspot_runner.cli.session import client_of, json_option, open_database, runs
from oppspot_runner.streams import directory

COLUMNS = ["variant...", "attempts>", "succeeded", "cost USD", "duration", "score"]
NOBODY = (
    "No variant has run yet. Name some in an agent's configuration:"
    ' {"variants": [{"name": "as it is"}, {"name": "small", "configuration": {"model": "..."}}]}'
)


@click.command(epilog="Example: oppspot-runner agents compare Writer")
@click.argument("agent", required=False)
@json_option
@runs
async def compare(agent: str | None, as_json: bool) -> None:
    """Compare the variants of AGENT (id or name), or of all agents.

    For each variant: the share of attempts that succeeded, their mean cost and duration, and the
    mean of the numbers called `score` in their outputs, with 95 % confidence intervals. The last
    line names a variant that does as well as the first one and costs less.
    """
    async with open_database() as database:
        agent_id = (
            None if agent is None else await client_of(database).run(directory.find_agent(agent))
        )
        found = await comparisons(database, agent_id)
    if as_json:
        output.print_json([_data(one) for one in found])
    elif not found:
        click.echo(NOBODY)
    for one in () if as_json else found:
        output.show(one.agent_name or str(one.agent_id))
        output.show(output.table(COLUMNS, [_cells(row) for row in one.variants]))
        output.show(verdict(one))


@click.command(epilog="Example: oppspot-runner costs suggest")
@json_option
@runs
async def suggest(as_json: bool) -> None:
    """Name agents that a cheaper variant of theirs would do as well for.

    `saving_usd` is what the attempts of the first variant would have cost less. See `agents
    compare`.
    """
    async with open_database() as database:
        found = [one for one in await comparisons(database) if one.cheaper is not None]
    if as_json:
        output.print_json([{**_data(one), "saving_usd": one.saving_usd} for one in found])
    elif not found:
        click.echo("No variant is known to do as well for less. See `agents compare --help`.")
    for one in () if as_json else found:
        name = one.agent_name or str(one.agent_id)
        output.show(f"{name}: {verdict(one)} That is {one.saving_usd:.4f} USD so far.")


def verdict(one: Comparison) -> str:
    """What a comparison comes to, in a sentence."""
    pair = one.cheaper
    if pair is None:
        few = min(row.attempts for row in one.variants) < LEAST_ATTEMPTS
        wait = f" Each needs {LEAST_ATTEMPTS} attempts." if few else ""
        return f"No variant is known to do as well as {one.variants[0].variant!r} for less.{wait}"
    first, better = pair
    assert first.cost_usd is not None
    assert better.cost_usd is not None
    saved = 1 - better.cost_usd.value / first.cost_usd.value
    return f"{better.variant!r} does as well as {first.variant!r} and costs {saved:.0%} less."


def _data(one: Comparison) -> dict[str, Any]:
    pair = one.cheaper
    return {
        "agent_id": one.agent_id,
        "agent_name": one.agent_name,
        "variants": [asdict(row) for row in one.variants],
        "cheaper": None if pair is None else pair[1].variant,
    }


def _cells(row: Performance) -> Sequence[Any]:
    return (
        row.variant,
        row.attempts,
        _shown(row.success, lambda value: f"{value:.0%}"),
        _shown(row.cost_usd, lambda value: f"{value:.4f}"),
        _shown(row.duration_ms, lambda value: output.span(value / 1000)),
        _shown(row.score, lambda value: f"{value:.2f}"),
    )


def _shown(interval: Interval | None, text: Any) -> str:
    if interval is None:
        return ""
    low, high = max(interval.low, 0.0), interval.high
    return f"{text(interval.value)} ({text(low)} to {text(high)})"
