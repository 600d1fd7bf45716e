"""`runs list|show|events|start|signal|approve|rerun|cancel`: runs of streams and of graphs."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
from psycopg.rows import DictRow

from oppspot_runner.base.wording import moment
from oppspot_runner.cli import output
from oppspot_runner.cli.pace import pace_options, tell_started
from oppspot_runner.cli.run_events import events
from oppspot_runner.cli.run_watch import watch as watch_run
from oppspot_runner.cli.session import client_of, json_option, open_client, open_database, say
from oppspot_runner.cli.session import runs as run_async
from oppspot_runner.cli.task_view import standing
from oppspot_runner.cli.values import json_object
from oppspot_runner.db.pool import Database
from oppspot_runner.streams import directory
from oppspot_runner.workflow import runs as stream_runs

if TYPE_CHECKING:
    from rich.console import RenderableType

LOOK_S = 0.2
STATUSES = click.Choice(("running", "completed", "failed", "cancelled"))


@click.group(epilog="Example: oppspot-runner runs list --status running")
def runs() -> None:
    """List, show, start, signal, approve, rerun and cancel runs, and follow their events.

    A run is named by its id, or by the first characters of it (at least 4).
    """


runs.add_command(events)


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
                row["stream_name"] or row["stream_id"] or "(a graph)",
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
@click.option("--watch", is_flag=True, help="Show what happens until the run ends.")
@json_option
@run_async
async def show(run: str, watch: bool, as_json: bool) -> None:
    """Show a run: its agents, what each waits for, and how far it is.

    With --watch the exit code is 1 when the run did not complete; --json prints an object a line.
    """
    async with open_database() as database:
        run_id = await stream_runs.find_run(database, run)
        if watch:
            await watch_run(database, run_id, as_json=as_json)
            return
        found = await stream_runs.get_run(database, run_id)
        nodes = await stream_runs.nodes(database, run_id)
        results = await stream_runs.results(database, run_id) if as_json else None
    if as_json:
        output.print_json({"run": found, "nodes": nodes, "results": results})
        return
    output.show(
        _table([found]),
        output.fields(
            [
                ("strategy", found["strategy"] if found["strategy"] != "event" else None),
                ("at once", found["max_parallel"]),
                ("does again", found["rerun_of"]),
            ]
        ),
        output.table(
            ["level>", "agent...", "status", "after...", "task", "what..."],
            [
                (
                    node["level"],
                    node["agent_name"],
                    _state(node),
                    ", ".join(node["depends_on"]),
                    node["task_id"],
                    _what(node),
                )
                for node in nodes
            ],
        ),
    )


def _state(node: DictRow) -> str:
    on = node["status"] == "queued" and node["task_status"] is not None
    return str(node["task_status"] if on else node["status"])


def _what(node: DictRow) -> str | None:
    if node["approve_by"] is not None:
        return f"until {moment(node['approve_by'])}"
    return standing(node)


@runs.command(epilog="Example: oppspot-runner runs start Director --strategy level")
@click.argument("root")
@click.option("--payload", callback=json_object, metavar="JSON", help="What ROOT gets; or @FILE.")
@click.option("--priority", type=click.IntRange(1, 10), default=5, show_default=True)
@pace_options
@json_option
@run_async
async def start(root: str, as_json: bool, **given: Any) -> None:
    """Start the agent ROOT (id or name), and then those below it.

    Below an agent are those that were created with it as their --parent. Each gets as its input
    what its parent made.
    """
    async with open_client() as client:
        agent = await client.run(directory.find_agent(root))
        made = await client.run_graph(agent, requested_by="cli", **given)
    tell_started(made, as_json, root_agent_id=agent)


@runs.command(epilog="Example: oppspot-runner runs approve 01990c3e-7b Publisher")
@click.argument("run")
@click.argument("agent", required=False)
@json_option
@run_async
async def approve(run: str, agent: str | None, as_json: bool) -> None:
    """Let the agents of RUN start that wait for an approval, or AGENT alone.

    To refuse, cancel the agent: `runs cancel RUN --agent AGENT`. Exits with 1 when nothing waits.
    """
    async with open_database() as database:
        run_id = await stream_runs.find_run(database, run)
        client = client_of(database)
        agent_id = await client.run(directory.find_agent(agent)) if agent else None
        approved = await client.approve_run(run_id, agent_id)
    text = f"{approved} agent(s) of run {run_id} were approved."
    if not approved:
        text = f"In run {run_id} there was nothing to approve."
    say({"id": run_id, "approved": approved}, text, as_json)
    if not approved:
        sys.exit(1)


@runs.command(epilog="Example: oppspot-runner runs rerun 01990c3e-7b --from Scoring")
@click.argument("run")
@click.option("--from", "agent", help="Only from this agent on (id or name).")
@json_option
@run_async
async def rerun(run: str, agent: str | None, as_json: bool) -> None:
    """Do an ended run again, in a run of its own.

    With --from the outputs of the agents above and beside it are taken over, where they completed.
    """
    async with open_database() as database:
        run_id = await stream_runs.find_run(database, run)
        client = client_of(database)
        agent_id = await client.run(directory.find_agent(agent)) if agent else None
        made = await client.rerun_run(run_id, agent_id, requested_by="cli")
    tell_started(made, as_json, rerun_of=run_id)


@runs.command(epilog="Example: oppspot-runner runs signal 01990c3e-7b approval")
@click.argument("run")
@click.argument("name")
@click.option(
    "--payload", callback=json_object, metavar="JSON", help="What the agent gets; or @FILE."
)
@json_option
@run_async
async def signal(run: str, name: str, payload: dict[str, Any] | None, as_json: bool) -> None:
    """Send a signal to a run: the first agent that waits for NAME goes on.

    A signal that comes before somebody waits for it is kept.
    """
    async with open_database() as database:
        run_id = await stream_runs.find_run(database, run)
        made = await client_of(database).signal_run(run_id, name, payload)
    say({"id": made, "run_id": run_id, "name": name}, f"Sent {name!r} to run {run_id}.", as_json)


@runs.command(epilog="Example: oppspot-runner runs cancel 01990c3e-7b --reason 'wrong goal'")
@click.argument("run")
@click.option("--agent", help="Only this agent (id or name), and all below it.")
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
async def cancel(
    run: str, agent: str | None, reason: str | None, timeout_s: float, as_json: bool
) -> None:
    """Cancel a run, and wait until what runs of it has ended."""
    async with open_database() as database:
        run_id = await stream_runs.find_run(database, run)
        client = client_of(database)
        rows = await client.cancel_run(run_id, reason, agent=agent)
        tasks = [row["id"] for row in rows]
        status, left = await _ended(database, run_id, tasks, timeout_s)
    text = f"Run {run_id} is {status}; {len(tasks)} task(s) were cancelled or asked to end."
    if left:
        text += f" {left} still run(s) after {timeout_s:g} s."
    data = {"id": run_id, "status": status, "cancelled": len(tasks), "open_tasks": left}
    say(data, text, as_json)
    if left:
        sys.exit(1)


async def _ended(
    database: Database, run_id: UUID, tasks: list[UUID], timeout_s: float
) -> tuple[str, int]:
    """How the run stands, and how many of these tasks are open, when none is or in the end."""
    until = time.monotonic() + timeout_s
    while True:
        status, left = await stream_runs.open_tasks(database, run_id, tasks)
        if not left or time.monotonic() > until:
            return status, left
        await asyncio.sleep(LOOK_S)
