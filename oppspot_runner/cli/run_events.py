"""`runs events`: what happened in a run, and what happens in it now."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import click

from oppspot_runner.cli import output
from oppspot_runner.cli.run_lines import line
from oppspot_runner.cli.session import client_of, open_database
from oppspot_runner.cli.session import runs as run_async
from oppspot_runner.db.pool import Database
from oppspot_runner.workflow import run_events
from oppspot_runner.workflow import runs as stream_runs
from oppspot_runner.workflow.run_events import RunEvent


@click.command(epilog="Example: oppspot-runner runs events 01990c3e-7b --follow")
@click.argument("run")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Only after this number.")
@click.option("--follow", is_flag=True, help="Wait for more, until the run ends.")
@click.option("--json", "as_json", is_flag=True, help="Print an object a line.")
@run_async
async def events(run: str, after: int, follow: bool, as_json: bool) -> None:
    """Show what happened in a run, in order.

    Each event has a number: resume with --after. With --follow the exit code is 0 when the run
    completed, 1 when it failed or was cancelled, 130 after Ctrl-C, which leaves the run alone.
    """
    async with open_database() as database:
        run_id = await stream_runs.find_run(database, run)
        if follow:
            await print_until_end(database, run_id, after, as_json=as_json)
        else:
            await _print_all(database, run_id, after, as_json=as_json)


async def print_until_end(
    database: Database, run_id: UUID, after: int = 0, *, as_json: bool
) -> None:
    """Prints events as they come, then exits as the run ended."""
    with resumable(lambda: f"runs events {run_id} --follow --after {after}"):
        async for event in client_of(database).follow(run_id, after):
            _print(event, as_json)
            after = event.seq
    await exit_as_ended(database, run_id)


@contextmanager
def resumable(command: Callable[[], str]) -> Iterator[None]:
    """Tells who interrupts it with which command to go on."""
    try:
        yield
    except asyncio.CancelledError:  # what asyncio makes of Ctrl-C
        output.warn(f"The run goes on without you. Resume with `oppspot-runner {command()}`.")
        raise


async def exit_as_ended(database: Database, run_id: UUID) -> None:
    """Exits with 1 unless the run completed."""
    if (await stream_runs.get_run(database, run_id))["status"] != "completed":
        sys.exit(1)


async def _print_all(database: Database, run_id: UUID, after: int, *, as_json: bool) -> None:
    client = client_of(database)
    while True:
        page = await client.run(run_events.read(run_id, after))
        for event in page.events:
            _print(event, as_json)
            after = event.seq
        if page.is_newest:
            return


def _print(event: RunEvent, as_json: bool) -> None:
    if as_json:
        output.print_json(event.flat(), indent=None)
    else:
        click.echo(line(event))
