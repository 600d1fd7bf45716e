"""`schedules list|next|pause|resume|run-now`: what starts by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from oppspot_runner.base.schedule_options import REALTIME
from oppspot_runner.cli import output
from oppspot_runner.cli.pace import tell_idle
from oppspot_runner.cli.session import client_of, json_option, open_database, runs, say
from oppspot_runner.db.pool import Database
from oppspot_runner.scheduler import schedules as scheduler
from oppspot_runner.scheduler.schedules import Schedule
from oppspot_runner.streams import directory

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_SHOWN = 40  # characters of an expression in the table


@click.group(epilog="Example: oppspot-runner schedules next --count 10")
def schedules() -> None:
    """List schedules, see what comes next, pause, resume, and run-now.

    They are written on agents (`agents update --cron`) and on their part in a stream (`streams
    assign --frequency`). A schedule is named by its agent, and by --stream when it has several.
    """


@schedules.command("list", epilog="Example: oppspot-runner schedules list")
@json_option
@runs
async def list_(as_json: bool) -> None:
    """List schedules: those with an error first, then by their next due time."""
    async with open_database() as database:
        rows = await scheduler.list_schedules(database)
    if as_json:
        output.print_json([_as_json(row) for row in rows])
    elif rows:
        output.show(_table(rows))
    else:
        click.echo("No schedule. Give an agent one with `oppspot-runner agents update --cron`.")


def _named(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        json_option,
        click.option("--stream", help="The one for this stream (id or name)."),
        click.argument("agent"),
    ):
        command = option(command)
    return command


@schedules.command("next", epilog="Example: oppspot-runner schedules next Scout --count 10")
@click.argument("agent", required=False)
@click.option("--stream", help="The one for this stream (id or name).")
@click.option("--count", type=click.IntRange(1, 1000), default=5, show_default=True)
@json_option
@runs
async def next_(agent: str | None, stream: str | None, count: int, as_json: bool) -> None:
    """Show the next due times: of AGENT's schedule, or of all that are active."""
    if stream is not None and agent is None:
        raise click.UsageError("--stream needs an AGENT")
    async with open_database() as database:
        if agent is None:
            one, known = None, await scheduler.list_schedules(database)
            coming = scheduler.first_coming(known, count)
        else:
            one = await _find(database, agent, stream)
            known = [one]
            coming = [(due, one) for due in one.coming(count)]
    if as_json:
        output.print_json([{**_named_json(one), "due_at": due} for due, one in coming])
    elif coming:
        output.show(_due_times(coming))
    else:
        click.echo(output.safe(_silence(one, known)))


@schedules.command(epilog="Example: oppspot-runner schedules pause Scout --stream Leads")
@_named
@runs
async def pause(agent: str, stream: str | None, as_json: bool) -> None:
    """Let a schedule rest. What it has started goes on."""
    async with open_database() as database:
        one = await _find(database, agent, stream)
        await scheduler.pause(database, one)
    text = f"Paused: the schedule of {one.name}. What comes due meanwhile is not made up for."
    say({**_named_json(one), "paused": True}, text, as_json)


@schedules.command(epilog="Example: oppspot-runner schedules resume Scout")
@_named
@runs
async def resume(agent: str, stream: str | None, as_json: bool) -> None:
    """Let a schedule that rests, or that has an error, fire again from now on."""
    async with open_database() as database:
        one = await _find(database, agent, stream)
        changed = await scheduler.resume(database, one)
    done = f"Resumed: the schedule of {one.name}."
    text = done if changed else f"The schedule of {one.name} was not paused."
    say({**_named_json(one), "changed": changed}, text, as_json)


@schedules.command("run-now", epilog="Example: oppspot-runner schedules run-now Scout")
@_named
@runs
async def run_now(agent: str, stream: str | None, as_json: bool) -> None:
    """Start what a schedule starts, now, also while it rests or a run is on."""
    async with open_database() as database:
        one = await _find(database, agent, stream)
        task = await scheduler.run_now(database, one)
        text = f"Task {task} was started. Look at it with `oppspot-runner tasks show {task}`."
        say({**_named_json(one), "task_id": task}, text, as_json)
        await tell_idle(database)


async def _find(database: Database, agent: str, stream: str | None) -> Schedule:
    client = client_of(database)
    agent_id = await client.run(directory.find_agent(agent))
    stream_id = await client.run(directory.find_stream(stream)) if stream is not None else None
    return await scheduler.find_schedule(database, agent_id, stream_id)


def _silence(one: Schedule | None, known: Sequence[Schedule]) -> str:
    if one is None:
        wrong = sum(schedule.error is not None for schedule in known)
        why = f": {wrong} with an error, see `oppspot-runner schedules list`" if wrong else ""
        return f"Nothing comes due{why or '.'}"
    if one.expression == REALTIME:
        return f"{one.name} starts when the stream gains something."
    return f"Nothing comes due: {one.error or 'see `oppspot-runner doctor`'}"


def _named_json(one: Schedule) -> dict[str, Any]:
    return {"id": one.id, "agent_id": one.agent_id, "stream_id": one.stream_id, "name": one.name}


def _as_json(one: Schedule) -> dict[str, Any]:
    row = asdict(one)
    del row["now"]
    return {**row, "name": one.name, "state": one.state, "due_at": _next(one)}


def _next(one: Schedule) -> datetime | None:
    if one.state != "active":
        return None
    return one.due_at or next(iter(one.coming(1)), None)


def _table(rows: Sequence[Schedule]) -> RenderableType:
    return output.table(
        ["agent...", "stream...", "when", "zone", "state", "next", "last", "what..."],
        [
            (
                one.agent_name or one.agent_id,
                one.stream_name or one.stream_id,
                _shortened(one.expression),
                one.timezone,
                one.state,
                _next(one),
                one.last_fired_at,
                _note(one),
            )
            for one in rows
        ],
    )


def _shortened(expression: str) -> str:
    """What was written past us may be of any length, and --json has the whole."""
    too_long = len(expression) > MOST_SHOWN
    return f"{expression[: MOST_SHOWN - 3]}..." if too_long else expression


def _note(one: Schedule) -> Any:
    if one.error is not None:
        return one.error
    if one.has_skipped:
        return f"{output.moment(one.last_due_at)} was skipped: task {one.last_task_id} was on"
    return one.options or ""


def _due_times(coming: Sequence[tuple[datetime, Schedule]]) -> RenderableType:
    return output.table(
        ["due", "there", "zone", "agent...", "stream..."],
        [
            (
                due,
                f"{due.astimezone(ZoneInfo(one.timezone)):%a %Y-%m-%d %H:%M:%S %Z}",
                one.timezone,
                one.agent_name or one.agent_id,
                one.stream_name or one.stream_id,
            )
            for due, one in coming
        ],
    )
