"""The options --strategy and --max-parallel of commands that start a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from oppspot_runner.base.pace import STRATEGIES


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
