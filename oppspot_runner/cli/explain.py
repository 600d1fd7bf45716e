"""`tasks explain`: why a task is not running."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from oppspot_runner.app.explain import Explanation, explain_node, explain_task, run_of_task
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.cli import output
from oppspot_runner.cli.session import client_of, json_option, load, open_database, runs
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import read
from oppspot_runner.streams import directory
from oppspot_runner.workflow.runs import find_run

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command(epilog="Example: oppspot-runner tasks explain 01990c3e-7b")
@click.argument("task")
@click.option("--agent", help="Explain this agent (id or name) of the run instead.")
@json_option
@runs
async def explain(task: str, agent: str | None, as_json: bool) -> None:
    """Say why TASK is not running, and what to do about it.

    With --agent, TASK is a run, or a task of a run, and what is explained is that agent's place in
    it: an agent that waits for others has no task yet.
    """
    settings = load()
    async with open_database(settings) as database:
        found = await _explained(database, task, agent, fair=settings.fair_share)
    if as_json:
        output.print_json(asdict(found))
    else:
        output.show(*_parts(found))


async def _explained(
    database: Database, name: str, agent: str | None, *, fair: bool
) -> Explanation:
    if agent is None:
        return await explain_task(database, await read.find_task(database, name), fair=fair)
    agent_id = await client_of(database).run(directory.find_agent(agent))
    try:
        task_id = await read.find_task(database, name)
    except NotFoundError:
        run_id = await find_run(database, name)
    else:
        run_id = await run_of_task(database, task_id)
    return await explain_node(database, run_id, agent_id, fair=fair)


def _parts(found: Explanation) -> list[RenderableType]:
    what = f"Task {found.task_id}" if found.task_id else f"Run {found.run_id}"
    agent = f" ({found.agent})" if found.agent else ""
    head = output.styled(f"{what}{agent} is {found.status}.")
    return [
        head,
        output.fields(
            pair
            for reason in found.reasons
            for pair in ((reason.code, reason.text), ("", reason.fix))
        ),
    ]
