"""`tasks list|show|explain|retry|cancel|replay`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args
from uuid import UUID

import click
from psycopg.rows import DictRow

from oppspot_runner.base.errors import OppspotError
from oppspot_runner.base.task import TaskStatus
from oppspot_runner.base.wording import retried
from oppspot_runner.cli import output
from oppspot_runner.cli.explain import explain
from oppspot_runner.cli.session import client_of, json_option, open_database, runs, say
from oppspot_runner.cli.task_view import as_dict, parts, standing, tell_each
from oppspot_runner.cli.values import json_object
from oppspot_runner.db.operation import Operation
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import client, read
from oppspot_runner.queue.client import TaskState
from oppspot_runner.queue.whole_task import whole_task
from oppspot_runner.streams import directory

if TYPE_CHECKING:
    from rich.console import RenderableType

STATUSES = click.Choice(get_args(TaskStatus))


@click.group(epilog="Example: oppspot-runner tasks list --status failed")
def tasks() -> None:
    """List, show, explain, retry, cancel and replay tasks.

    A task is named by its id, or by the first characters of it (at least 4).
    """


tasks.add_command(explain)


@tasks.command("list", epilog="Example: oppspot-runner tasks list --status failed --limit 5")
@click.option("--status", "statuses", type=STATUSES, multiple=True, help="Repeatable.")
@click.option("--agent", help="Only of this agent (id or name).")
@click.option("--stream", help="Only of this stream (id or name).")
@click.option("--limit-key", help="Only with this limit_key.")
@click.option("--parent", metavar="TASK", help="Only what the agent of this task spawned.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
@runs
async def list_(
    statuses: tuple[str, ...],
    agent: str | None,
    stream: str | None,
    limit_key: str | None,
    parent: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List tasks, the newest first."""
    async with open_database() as database:
        db = client_of(database)
        rows = await read.list_tasks(
            database,
            statuses=statuses,
            agent_id=await db.run(directory.find_agent(agent)) if agent else None,
            stream_id=await db.run(directory.find_stream(stream)) if stream else None,
            limit_key=limit_key,
            parent_id=await read.find_task(database, parent) if parent else None,
            limit=limit,
        )
    if as_json:
        output.print_json(rows)
    elif rows:
        output.show(_table(rows))
    else:
        click.echo("No task.")


def _table(rows: list[DictRow]) -> RenderableType:
    return output.table(
        ["task", "status", "agent...", "prio>", "tries>", "made>", "what..."],
        [
            (
                row["id"],
                row["status"],
                row["agent_name"] or row["task_type"],
                row["priority"],
                row["attempt"],
                output.ago(row["age_s"]),
                standing(row),
            )
            for row in rows
        ],
    )


@tasks.command(epilog="Example: oppspot-runner tasks show 01990c3e-7b")
@click.argument("task")
@json_option
@runs
async def show(task: str, as_json: bool) -> None:
    """Show a task with its attempts, finished steps and progress."""
    async with open_database() as database:
        found = await whole_task(database, await read.find_task(database, task))
    if as_json:
        output.print_json(as_dict(found))
    else:
        output.show(*parts(found))


@tasks.command(epilog="Example: oppspot-runner tasks retry 01990c3e-7b")
@click.argument("tasks", nargs=-1, required=True)
@json_option
@runs
async def retry(tasks: tuple[str, ...], as_json: bool) -> None:
    """Put ended tasks in line again, with all their retries.

    A task that waits for its next try after an error is tried at once, and keeps its count of
    errors. One that waits for something else goes on waiting.
    """
    async with open_database() as database:
        await _each(
            database, tasks, as_json, lambda before: retried(before.backs_off), client.retry
        )


@tasks.command(epilog="Example: oppspot-runner tasks cancel 01990c3e-7b --reason 'wrong list'")
@click.argument("tasks", nargs=-1, required=True)
@click.option("--reason", help="Kept with the task.")
@json_option
@runs
async def cancel(tasks: tuple[str, ...], reason: str | None, as_json: bool) -> None:
    """Cancel tasks: waiting ones at once, running ones by their runners."""
    async with open_database() as database:
        await _each(
            database,
            tasks,
            as_json,
            lambda _: "cancelled",
            lambda task_id: client.cancel(task_id, reason),
        )


@tasks.command(epilog="Example: oppspot-runner tasks replay 01990c3e-7b --from write")
@click.argument("task")
@click.option("--from", "from_step", metavar="STEP", help="Keep the results of steps before it.")
@click.option(
    "--payload", callback=json_object, metavar="JSON", help="In place of the old; or @FILE."
)
@json_option
@runs
async def replay(
    task: str, from_step: str | None, payload: dict[str, Any] | None, as_json: bool
) -> None:
    """Do an ended TASK again as a new task; the old one stays as it is.

    With --from the new task begins with the results of the steps that finished before STEP (a
    name, or name:2 for its third call), so that they are not paid for again. A task of a stream
    begins a run of its own, from its agent on.
    """
    async with open_database() as database:
        old = await read.find_task(database, task)
        made = await client_of(database).replay(old, from_step=from_step, payload=payload)
        kept = len(await read.steps(database, made))
    steps = f" It begins with {kept} finished step(s)." if from_step else ""
    data = {"id": made, "replay_of": old, "steps_kept": kept}
    say(data, f"Task {made} does {old} again.{steps}", as_json)


async def _each(
    database: Database,
    names: tuple[str, ...],
    as_json: bool,
    done: Callable[[TaskState], str],
    operation: Callable[[UUID], Operation[bool]],
) -> None:
    """Does `operation` for each task; one that fails does not keep the others from it.

    `done` says what it does to a task that is as given.
    """
    db = client_of(database)
    results = []
    for name in names:
        try:
            task_id = await read.find_task(database, name)
            done_to_it = done(await db.get(task_id))
            changed = await db.run(operation(task_id))
            results.append(_result(await db.get(task_id), changed, done_to_it))
        except OppspotError as error:
            results.append({"id": name, "changed": False, "text": f"error: {error.one_line()}"})
    tell_each(results, as_json)


def _result(state: TaskState, changed: bool, done: str) -> dict[str, Any]:
    shown: UUID = state.id
    if not changed:
        text = f"Task {shown} is {state.status}: nothing to do."
        if state.status == "pending":
            text = f"{text} Why it waits: oppspot-runner tasks explain {shown}"
    elif state.status == "processing" and state.cancel_requested_at is not None:
        text = f"Task {shown} is running; its runner was asked to end it."
    else:
        text = f"Task {shown} was {done}."
    return {"id": shown, "status": state.status, "changed": changed, "text": text}
