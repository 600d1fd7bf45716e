"""`agents list|create|update|compare`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.cli import output
from oppspot_runner.cli.comparing import compare
from oppspot_runner.cli.session import (
    client_of,
    import_from_here,
    json_option,
    load,
    open_client,
    open_database,
    runs,
    say,
)
from oppspot_runner.cli.values import json_object
from oppspot_runner.queue.dead_letters import agents_in_need
from oppspot_runner.streams import directory


@click.group(epilog="Example: oppspot-runner agents create --type weekly_digest --cron '0 9 * * 1'")
def agents() -> None:
    """List, create, update, test, compare agents; rotate-keys.

    An agent is a row: code of some type, with a name, a configuration and perhaps a schedule. One
    that has tasks cannot be deleted: `agents update --inactive` takes it out of use.
    """


agents.add_command(compare)


@agents.command("list", epilog="Example: oppspot-runner agents list --type scout_agent")
@click.option("--type", "agent_type", help="Only of this type.")
@click.option("--org", type=click.UUID, help="Only of this organisation.")
@json_option
@runs
async def list_(agent_type: str | None, org: UUID | None, as_json: bool) -> None:
    """List agents by name, with what they need of people."""
    async with open_database() as database:
        listed = directory.list_agents(agent_type=agent_type, org_id=org)
        rows = await client_of(database).run(listed)
        needs = {row["agent_id"]: row["error"] for row in await agents_in_need(database)}
    if as_json:
        output.print_json([{**row, "attention": needs.get(row["id"])} for row in rows])
    elif rows:
        columns = ["agent", "name...", "type...", "active", "schedule", "configuration..."]
        columns += ["attention..."]
        output.show(
            output.table(
                columns,
                [
                    (
                        row["id"],
                        row["name"],
                        row["agent_type"],
                        row["is_active"],
                        _schedule(row["schedule_cron"], row["schedule_timezone"]),
                        row["configuration"] or "",
                        needs.get(row["id"], ""),
                    )
                    for row in rows
                ],
            )
        )
    else:
        click.echo("No agent. Create one with `oppspot-runner agents create --type TYPE`.")


def _schedule(cron: str | None, timezone: str | None) -> str:
    zone = "" if timezone in (None, "UTC") else f" {timezone}"
    return f"{cron}{zone}" if cron else ""


def _described(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--name", help="What people call it."),
        click.option(
            "--configuration",
            callback=json_object,
            metavar="JSON",
            help="For its code: JSON, or @FILE.",
        ),
        click.option("--cron", "schedule_cron", help="When it starts by itself, as '0 9 * * 1-5'."),
        click.option("--timezone", "schedule_timezone", help="Of the schedule, as Europe/London."),
        click.option("--description", help="A sentence for people."),
        json_option,
    ):
        command = option(command)
    return command


@agents.command(epilog="Example: oppspot-runner agents create Scout --type scout_agent")
@click.argument("called", metavar="[NAME]", required=False)
@click.option("--type", "agent_type", required=True, help="Which code it runs.")
@_described
@click.option("--parent", help="The agent above it (id or name), see `runs start`.")
@click.option("--org", "org_id", type=click.UUID, help="The organisation that it works for.")
@click.option("--inactive", is_flag=True, help="Its tasks fail until it is active.")
@runs
async def create(called: str | None, inactive: bool, as_json: bool, **columns: Any) -> None:
    """Create an agent. Its NAME, given as --name too, is by default its type."""
    if called is not None and columns["name"] is not None:
        raise click.UsageError("give either NAME or --name")
    columns["name"] = called if called is not None else columns["name"]
    given = {name: value for name, value in columns.items() if value is not None}
    async with open_client() as client:
        made = await client.create_agent(is_active=not inactive, **given)
    name = columns["name"] or columns["agent_type"]
    text = f"Agent {made} was created. Run it with `oppspot-runner enqueue '{name}'`."
    say({"id": made}, text, as_json)


@agents.command(epilog="Example: oppspot-runner agents update Scout --cron '0 9 * * *'")
@click.argument("agent")
@click.option("--type", "agent_type", help="Which code it runs.")
@_described
@click.option("--active/--inactive", "is_active", default=None, help="Whether it may run.")
@runs
async def update(agent: str, as_json: bool, **columns: Any) -> None:
    """Change what is given of AGENT (id or name).

    An empty --cron or --description takes it away; --configuration replaces the old one.
    """
    async with open_client() as client:
        agent_id = await client.run(directory.find_agent(agent))
        await client.update_agent(agent_id, **columns)
    say({"id": agent_id}, f"Agent {agent_id} was changed.", as_json)


@agents.command(epilog="Example: oppspot-runner agents test Scout --input 'What is 15 + 27?'")
@click.argument("agent")
@click.option("--input", "text", help="What it is to do, as the payload's `input`.")
@click.option(
    "--payload",
    callback=json_object,
    metavar="JSON",
    help="The whole payload instead: JSON, or @FILE.",
)
@json_option
@runs
async def test(agent: str, text: str | None, payload: Any, as_json: bool) -> None:
    """Run AGENT (id or name) at once, in this process, and keep nothing of it.

    It may be inactive. Tools that do something are not called; a wait ends it, and so does a
    minute. What models cost is charged to the budgets.
    """
    from oppspot_runner.agents.registry import registry
    from oppspot_runner.app.trial import agent_of, try_agent
    from oppspot_runner.app.wiring import load_agents

    if (text is None) == (payload is None):
        raise click.UsageError("give either --input or --payload")
    settings = load()
    import_from_here()
    load_agents(registry, settings)
    async with open_database(settings) as database:
        client = client_of(database)
        agent_id = await client.run(directory.find_agent(agent))
        rows = await client.run(directory.list_agents())
        (row,) = (one for one in rows if one["id"] == agent_id)
        given = {"input": text} if payload is None else payload
        trial = await try_agent(database, settings, registry, agent_of(row), given)
    if trial.output is None:
        raise InvalidInputError(f"the test of agent {agent_id} failed: {trial.error}")
    said = trial.output.get("response")
    shown = {"agent_id": agent_id, "test_output": trial.output, "tokens_used": trial.tokens}
    shown |= {"cost_usd": trial.cost_usd, "success": True}
    if isinstance(said, str):
        say(shown, said, as_json)
    else:
        output.print_json(shown if as_json else trial.output)


@agents.command("rotate-keys", epilog="Example: oppspot-runner agents rotate-keys")
@json_option
@runs
async def rotate_keys(as_json: bool) -> None:
    """Encrypt all stored keys of agents under the first secret of OPPSPOT_SECRET_KEY.

    Put the new secret before the old one, restart what runs, and give this command: after it the
    old one is needed no more.
    """
    from oppspot_runner.app.agent_keys import rotate

    settings = load()
    async with open_database(settings) as database:
        rotated = await rotate(database, settings)
    text = f"{rotated} keys are encrypted under the first secret of OPPSPOT_SECRET_KEY now."
    say({"rotated": rotated}, text, as_json)
