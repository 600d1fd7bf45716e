"""`streams plan`: what a run would do, as a table, as JSON or as a picture."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from oppspot_runner.cli import output
from oppspot_runner.cli.session import client_of, json_option, open_database, runs
from oppspot_runner.queue import read
from oppspot_runner.streams import assignments, directory
from oppspot_runner.workflow.plan import APPROVED, ONLY_IF, Plan, known_types, plan


@click.command("plan", epilog="Example: oppspot-runner streams plan Leads --mermaid")
@click.argument("stream")
@click.option("--mermaid", is_flag=True, help="Print a Mermaid flowchart instead.")
@json_option
@runs
async def plan_command(stream: str, mermaid: bool, as_json: bool) -> None:
    """Show what a run of STREAM would do, level by level, and what is missing.

    Starts nothing. Exits with 1 when an agent could not run.
    """
    async with open_database() as database:
        client = client_of(database)
        stream_id = await client.run(directory.find_stream(stream))
        rows = await client.run(assignments.list_assignments(stream_id))
        known = known_types(await read.runners(database))
    found = plan(rows, known)
    if as_json:
        output.print_json({"stream_id": stream_id, "fit": found.is_fit, **asdict(found)})
    elif mermaid:
        click.echo("\n".join(_flowchart(found)))
    else:
        _show(found, known is None)
    if not found.is_fit:
        sys.exit(1)


def _show(found: Plan, unsaid: bool) -> None:
    if not found.agents:
        click.echo("No agent. Assign some with `oppspot-runner streams assign`.")
        return
    output.show(
        output.table(
            ["level>", "agent...", "type...", "after...", "how..."],
            [
                (one.level, one.name, one.agent_type, ", ".join(one.after), "; ".join(one.notes))
                for one in found.agents
            ],
        )
    )
    for one in found.agents:
        for fault in one.faults:
            output.warn(f"{one.name}: {fault}")
    if found.cycle:
        output.warn(f"the agents wait for each other: {' -> '.join(found.cycle)}")
    if unsaid:
        output.warn("no runner is alive that says which agent types it knows: not checked")


def _flowchart(found: Plan) -> list[str]:
    """Agents in boxes with their conditions, in six-sided ones where somebody has to approve."""
    places = {one.name: f"a{place}" for place, one in enumerate(found.agents)}
    lines = ["flowchart TD"]
    for one in found.agents:
        approved = any(note.startswith(APPROVED) for note in one.notes)
        left, right = ("{{", "}}") if approved else ("[", "]")
        shown = [one.name, *(note for note in one.notes if note.startswith(ONLY_IF))]
        lines.append(f'    {places[one.name]}{left}"{"<br>".join(map(_label, shown))}"{right}')
    for one in found.agents:
        lines += [f"    {places[name]} --> {places[one.name]}" for name in one.after]
    return lines


def _label(text: str) -> str:
    """`text` inside of the quotes of a flowchart, on one line."""
    for sign, code in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(sign, code)
    return output.safe(text)
