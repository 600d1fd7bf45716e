"""`runs list|show|cancel`: runs of streams."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING
from uuid import UUID

import click
from psycopg.rows import DictRow

from oppspot_runner.cli import output
from oppspot_runner.cli.session import client_of, json_option, open_database, say
from oppspot_runner.cli.session import runs as run_async
from oppspot_runner.db.pool import Database
from oppspot_runner.streams import directory
from oppspot_runner.workflow import runs as stream_runs

if TYPE_CHECKING:
    from rich.console import RenderableType

LOOK_S = 0.2
STATUSES = click.Choice(("running", "completed", "failed", "cancelled"))


@click.group(epilog="Example: oppspot-runner runs list --status running")
def runs() -> None:
    """List, show and cancel runs of streams.

    A run is named by its id, or by the first characters of it (at least 4).
    """


@runs.command("list", epilog="Example: oppspot-runner runs list --stream Leads")
@click.option("--stream", help="Only of this stream (id or name).")
@click.option("--status", type=STATUSES, help="Only in this state.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
@run_async
async def list_(stream: str | None, status: str | None, limit: int, as_json: bool) -> None:
    """List runs, the newest first."""
    async with open_database() as database:
        found = directory.find_stream(stream) if stream else None
        stream_id = await client_of(database).run(found) if found else None
        rows = await stream_runs.list_runs(
            database, stream_id=stream_id, status=status, limit=limit
        )
    if as_json:
        output.print_json(rows)
    elif rows:
        output.show(_table(rows))
    else:
        click.echo("No run. Start one with `oppspot-runner streams run STREAM`.")


def _table(rows: list[DictRow]) -> RenderableType:
    return output.table(
        ["run", "stream...", "from...", "status", "done>", "started>", "took>", "by"],
        [
            (
                row["id"],
                row["stream_name"] or row["stream_id"],
                row["root_agent_name"] or "the start",
                row["status"],
                f"{row['nodes_ended']}/{row['nodes']}",
                output.ago(row["age_s"]),
                output.span(max(row["seconds"], 0)),
                row["requested_by"],
            )
            for row in rows
        ],
    )


@runs.command(epilog="Example: oppspot-runner runs show 01990c3e-7b")
@click.argument("run")
@json_option
@run_async
async def show(run: str, as_json: bool) -> None:
    """Show a run: its agents, what each waits for, and how far it is."""
    async with open_database() as database:
        run_id = await stream_runs.find_run(database, run)
        found = await stream_runs.get_run(database, run_id)
        nodes = await stream_runs.nodes(database, run_id)
    if as_json:
        output.print_json({"run": found, "nodes": nodes})
        return
    output.show(
        _table([found]),
        output.table(
            ["level>", "agent...", "status", "after...", "task", "what..."],
            [
                (
                    node["level"],
                    node["agent_name"],
                    _state(node),
                    ", ".join(node["depends_on"]),
                    node["task_id"],
                    output.progress(node["progress"]) or node["error_message"],
                )
                for node in nodes
            ],
        ),
    )


def _state(node: DictRow) -> str:
    on = node["status"] == "queued" and node["task_status"] is not None
    return str(node["task_status"] if on else node["status"])


@runs.command(epilog="Example: oppspot-runner runs cancel 01990c3e-7b --reason 'wrong goal'")
@click.argument("run")
@click.option("--reason", help="Kept with the tasks.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    default=15,
    show_default=True,
    help="Seconds to wait for running tasks to end.",
)
@json_option
@run_async
async def cancel(run: str, reason: str | None, timeout_s: float, as_json: bool) -> None:
    """Cancel all open tasks of a run, and wait until it has ended."""
    async with open_database() as database:
        run_id = await stream_runs.find_run(database, run)
        cancelled, status, left = await _cancel(database, run_id, reason, timeout_s)
    text = f"Run {run_id} is {status}; {cancelled} task(s) were cancelled or asked to end."
    if left:
        text += f" {left} still run(s) after {timeout_s:g} s."
    data = {"id": run_id, "status": status, "cancelled": cancelled, "open_tasks": left}
    say(data, text, as_json)
    if left:
        sys.exit(1)


async def _cancel(
    database: Database, run_id: UUID, reason: str | None, timeout_s: float
) -> tuple[int, str, int]:
    """Again and again: a task that completes all the same starts what depends on it."""
    until = time.monotonic() + timeout_s
    asked = 0
    while True:
        rows = await client_of(database).run(stream_runs.cancel_open_tasks(run_id, reason))
        asked += len(rows)
        status, left = await stream_runs.open_tasks(database, run_id)
        if not left or time.monotonic() > until:
            return asked, status, left
        await asyncio.sleep(LOOK_S)
