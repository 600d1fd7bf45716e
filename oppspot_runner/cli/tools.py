"""`tools list|settle`, `tools cache clear`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from oppspot_runner.cli import output
from oppspot_runner.cli.output import warn
from oppspot_runner.cli.session import (
    client_of,
    import_from_here,
    json_option,
    load,
    open_database,
    runs,
    say,
)
from oppspot_runner.cli.values import json_value
from oppspot_runner.queue import read, tool_calls
from oppspot_runner.queue.result_cache import SharedResultCache

if TYPE_CHECKING:
    from oppspot_runner.tools.tool_base import ToolBase


@click.group(epilog="Example: oppspot-runner tools list")
def tools() -> None:
    """List tools; settle calls whose end is unknown; clear the cache of results."""


@tools.command("list", epilog="Example: oppspot-runner tools list")
@json_option
@runs
async def list_(as_json: bool) -> None:
    """List the tools that agents here may be given: built in, imported, installed, of servers."""
    from oppspot_runner.app.tools import all_tools

    settings = load()
    import_from_here()
    found, problems = await all_tools(settings)
    for problem in problems:
        warn(f"warning: {problem}")
    if as_json:
        output.print_json([{**_row(one), "schema": one.schema()} for one in found])
        return
    rows = [
        (row["name"], "yes" if row["repeatable"] else "no", row["description"])
        for row in map(_row, found)
    ]
    output.show(output.table(["tool", "repeatable", "what..."], rows))


def _row(tool: ToolBase) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "repeatable": tool.repeats({}) and tool.repeatable,
        "time_limit_s": tool.time_limit_s,
        "cached_for_s": tool.cached_for_s,
    }


@tools.command(epilog="Example: oppspot-runner tools settle 01990c3e-7b --done")
@click.argument("task")
@click.option("--step", help="Which call, where there are several: 'tool email', 'tool email:2'.")
@click.option("--done", is_flag=True, help="It was made: its step counts as finished.")
@click.option("--repeat", is_flag=True, help="It was not: the next attempt makes it.")
@click.option(
    "--result", callback=json_value, metavar="JSON", help="With --done, what the call returned."
)
@json_option
@runs
async def settle(
    task: str, step: str | None, done: bool, repeat: bool, result: Any, as_json: bool
) -> None:
    """Say of a call of TASK whose end is unknown whether it was made; then the task can go on."""
    if done == repeat:
        raise click.UsageError("was the call made? Give --done or --repeat")
    if repeat and result is not None:
        raise click.UsageError("a call that is to be made has no --result yet")
    async with open_database() as database:
        task_id = await read.find_task(database, task)
        settled = tool_calls.settle(task_id, done=done, step=step, result=result)
        name = await client_of(database).run(settled)
    what = "counts as made" if done else "is made by the next attempt"
    data = {"task_id": task_id, "step": name, "done": done}
    say(data, f"The call {name} {what}. Next: oppspot-runner tasks retry {task_id}", as_json)


@tools.group(epilog="Example: oppspot-runner tools cache clear --tool http_request")
def cache() -> None:
    """Clear results of tools that are kept for a while."""


@cache.command(epilog="Example: oppspot-runner tools cache clear --tool http_request")
@click.option("--tool", help="Only those of this tool.")
@json_option
@runs
async def clear(tool: str | None, as_json: bool) -> None:
    """Forget results that are kept."""
    async with open_database() as database:
        count = await SharedResultCache(database).clear(tool)
    say({"cleared": count}, f"{count} result(s) forgotten.", as_json)
