"""What commands that start a run share: the options for its pace, and what they say of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from oppspot_runner.base.pace import STRATEGIES
from oppspot_runner.cli import output
from oppspot_runner.cli.output import say
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import read


def pace_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; their values arrive as `strategy` and `max_parallel`."""
    for option in (
        click.option(
            "--max-parallel", type=click.IntRange(min=1), help="How many agents at once; all."
        ),
        click.option(
            "--strategy",
            type=click.Choice(STRATEGIES),
            default="event",
            show_default=True,
            help="As soon as each may, level after level, or one after the other.",
        ),
    ):
        command = option(command)
    return command


async def tell_idle(database: Database) -> None:
    """Says it when there is no runner to do what was put in."""
    if not any(row["alive"] for row in await read.runners(database)):
        output.warn("No runner is running: start one with `oppspot-runner start`.")


def tell_started(run_id: UUID, as_json: bool, **of: Any) -> None:
    """Says that a run was started; JSON has also what it is of."""
    text = f"Run {run_id} was started. Look at it with `oppspot-runner runs show {run_id}`."
    say({"run_id": run_id, **of}, text, as_json)
