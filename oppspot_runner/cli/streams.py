"""`streams list|create|assign|plan|run|show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
from psycopg.rows import DictRow

from oppspot_runner.cli import output
from oppspot_runner.cli.pace import pace_options, tell_idle, tell_started
from oppspot_runner.cli.plan import plan_command
from oppspot_runner.cli.session import client_of, json_option, open_client, open_database, runs, say
from oppspot_runner.cli.values import json_object, length_of_time
from oppspot_runner.streams import assignments, directory
from oppspot_runner.streams.items import ItemStore
from oppspot_runner.workflow import runs as stream_runs
from oppspot_runner.workflow.plan import terms

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_RUNS = 5
MOST_ITEMS = 10
ON_FAILURE = click.Choice(("skip", "run", "fail"))


@click.group(epilog="Example: oppspot-runner streams run Leads")
def streams() -> None:
    """List, create, plan, run and show streams, and assign agents to them.

    A stream is a goal and the agents that work for it, each after those it depends on.
    """


streams.add_command(plan_command)


@streams.command("list", epilog="Example: oppspot-runner streams list")
@click.option("--org", type=click.UUID, help="Only of this organisation.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@runs
async def list_(org: UUID | None, limit: int, as_json: bool) -> None:
    """List streams, the newest first."""
    async with open_client() as client:
        rows = await client.run(directory.list_streams(org_id=org, limit=limit))
    if as_json:
        output.print_json(rows)
    elif rows:
        names = ("id", "name", "agents", "items", "percent", "run_status", "run_at")
        columns = ["stream", "name...", "agents>", "items>", "reached %>", "last run", "at"]
        output.show(output.table(columns, [[row[name] for name in names] for row in rows]))
    else:
        click.echo("No stream. Create one with `oppspot-runner streams create NAME`.")


@streams.command(
    epilog='Example: oppspot-runner streams create Leads --criteria \'{"location": ["UK"]}\''
)
@click.argument("name")
@click.option("--criteria", callback=json_object, metavar="JSON", help="The goal; or @FILE.")
@click.option("--metrics", callback=json_object, metavar="JSON", help="Its targets; or @FILE.")
@click.option("--org", type=click.UUID, help="The organisation that it belongs to.")
@json_option
@runs
async def create(
    name: str,
    criteria: dict[str, Any] | None,
    metrics: dict[str, Any] | None,
    org: UUID | None,
    as_json: bool,
) -> None:
    """Create a stream."""
    async with open_client() as client:
        made = await client.create_stream(
            name, goal_criteria=criteria, target_metrics=metrics, org_id=org
        )
    text = f"Stream {made} was created. Assign agents with `oppspot-runner streams assign`."
    say({"id": made}, text, as_json)


@streams.command(epilog="Example: oppspot-runner streams assign Leads Scoring --after Enrichment")
@click.argument("stream")
@click.argument("agent")
@click.option("--after", multiple=True, help="An agent that it depends on. Repeatable.")
@click.option("--after-nothing", is_flag=True, help="Take all dependencies away.")
@click.option("--role", help="As primary, enrichment, scoring.")
@click.option("--order", type=int, help="Breaks ties; what it waits for is --after.")
@click.option("--auto/--by-hand", "auto", default=None, help="Whether runs include it.")
@click.option("--active/--inactive", "active", default=None, help="Whether it takes part.")
@click.option("--frequency", help="hourly, daily, weekly, realtime, manual or a cron expression.")
@click.option(
    "--schedule-options",
    callback=json_object,
    metavar="JSON",
    help="How the frequency fires: misfire, overlap, limit, jitter; or @FILE.",
)
@click.option("--condition", metavar="JSONPATH", help="Run only if this holds, '' = always.")
@click.option("--on-failure", type=ON_FAILURE, help="If one above did not complete.")
@click.option("--approval/--no-approval", default=None, help="Whether somebody must approve first.")
@click.option(
    "--approval-timeout",
    callback=length_of_time,
    metavar="TIME",
    help="Fail without an approval in time: 30m, 2h, 1d.",
)
@click.option("--max-parallel", type=click.IntRange(min=1), help="How many of a run at once.")
@json_option
@runs
async def assign(
    stream: str,
    agent: str,
    after: tuple[str, ...],
    after_nothing: bool,
    as_json: bool,
    **columns: Any,
) -> None:
    """Let AGENT work for STREAM, or change how it does.

    What is not given stays as it is. Agents that would wait for each other are refused.
    """
    if after and after_nothing:
        raise click.UsageError("give either --after or --after-nothing")
    async with open_database() as database:
        client = client_of(database)
        stream_id = await client.run(directory.find_stream(stream))
        needs = [await client.run(directory.find_agent(name)) for name in after]
        given = {
            "agent_id": await client.run(directory.find_agent(agent)),
            "depends_on_agent_ids": needs if after or after_nothing else None,
            "assignment_role": columns["role"],
            "execution_order": columns["order"],
            "auto_execute": columns["auto"],
            "is_active": columns["active"],
            "execution_frequency": columns["frequency"],
            "schedule_options": columns["schedule_options"],
            "condition": columns["condition"],
            "on_failure": columns["on_failure"],
            "requires_approval": columns["approval"],
            "approval_timeout": columns["approval_timeout"],
            "max_parallel": columns["max_parallel"],
        }
        (made,) = await client.assign_agents_to_stream(stream_id, [given])
        rows = await client.run(assignments.list_assignments(stream_id))
    if as_json:
        output.print_json({"id": made, "stream_id": stream_id, "assignments": rows})
    else:
        output.show(_agents(rows))


@streams.command(epilog="Example: oppspot-runner streams run Leads --priority 8")
@click.argument("stream")
@click.option("--payload", callback=json_object, metavar="JSON", help="What all get; or @FILE.")
@click.option("--priority", type=click.IntRange(1, 10), default=5, show_default=True)
@pace_options
@json_option
@runs
async def run(stream: str, as_json: bool, **given: Any) -> None:
    """Start all agents of STREAM, each after those it depends on."""
    async with open_database() as database:
        client = client_of(database)
        stream_id = await client.run(directory.find_stream(stream))
        made = await client.run_stream(stream_id, requested_by="cli", **given)
        tell_started(made, as_json, stream_id=stream_id)
        await tell_idle(database)


@streams.command(epilog="Example: oppspot-runner streams show Leads")
@click.argument("stream")
@json_option
@runs
async def show(stream: str, as_json: bool) -> None:
    """Show a stream: its goal, progress, best companies, agents and last runs."""
    async with open_database() as database:
        client = client_of(database)
        stream_id = await client.run(directory.find_stream(stream))
        found = await client.run(directory.get_stream(stream_id))
        agents = await client.run(assignments.list_assignments(stream_id))
        last = await stream_runs.list_runs(database, stream_id=stream_id, limit=MOST_RUNS)
        best = await ItemStore(database, found["org_id"], stream_id).top(MOST_ITEMS)
    if as_json:
        shown = {"stream": found, "assignments": agents, "runs": last, "best": best}
        output.print_json(shown)
        return
    parts = [_fields(found)]
    if best:
        parts.append(_best(best))
    if agents:
        parts.append(_agents(agents))
    if last:
        parts.append(_runs(last))
    output.show(*parts)


def _fields(found: dict[str, Any]) -> RenderableType:
    return output.fields(
        [
            ("stream", found["id"]),
            ("name", found["name"]),
            ("organisation", found["org_id"]),
            ("goal", found["goal_criteria"] or None),
            ("metrics", found["target_metrics"] or None),
            ("reached", _reached(found["progress"])),
            ("progress", found["progress"] or None),
            ("items", found["items"]),
            ("made", found["created_at"]),
        ]
    )


def _reached(progress: Any) -> str | None:
    """Each target and how far the stream is: `companies_to_find 23 of 50 (46 %)`."""
    targets = progress.get("targets") if isinstance(progress, dict) else None
    if not isinstance(targets, dict):
        return None
    return ", ".join(
        f"{name} {one['reached']} of {one['target']} ({one['percent']} %)"
        for name, one in targets.items()
    )


def _best(rows: list[DictRow]) -> RenderableType:
    return output.table(
        ["place>", "company...", "in", "people>", "score>", "priority", "confidence>"],
        [
            (
                row["position"],
                row["name"],
                row["country"],
                row["employees"],
                row["quality_score"],
                row["priority"],
                row["score_confidence"],
            )
            for row in rows
        ],
    )


def _agents(rows: list[DictRow]) -> RenderableType:
    return output.table(
        [
            "order>",
            "agent...",
            "type...",
            "role",
            "after...",
            "active",
            "auto",
            "ran>",
            "last",
            "how...",
        ],
        [
            (
                row["execution_order"],
                row["agent_name"],
                row["agent_type"],
                row["assignment_role"],
                ", ".join(row["depends_on"]),
                row["is_active"],
                row["auto_execute"],
                row["total_executions"],
                row["last_executed_at"],
                "; ".join(terms(row)),
            )
            for row in rows
        ],
    )


def _runs(rows: list[DictRow]) -> RenderableType:
    return output.table(
        ["run", "status", "done>", "started>", "by"],
        [
            (
                row["id"],
                row["status"],
                f"{row['nodes_ended']}/{row['nodes']}",
                output.ago(row["age_s"]),
                row["requested_by"],
            )
            for row in rows
        ],
    )
