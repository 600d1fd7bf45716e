"""`tasks list|show|explain|retry|cancel`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, get_args
from uuid import UUID

import click
from psycopg.rows import DictRow

from oppspot_runner.base.errors import OppspotError
from oppspot_runner.base.task import TaskStatus
from oppspot_runner.cli import output
from oppspot_runner.cli.explain import explain
from oppspot_runner.cli.session import client_of, json_option, open_database, runs
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import client, read
from oppspot_runner.queue.client import TaskState
from oppspot_runner.streams import directory

if TYPE_CHECKING:
    from rich.console import RenderableType

DEFAULT_MAX_RETRIES = 3
STATUSES = click.Choice(get_args(TaskStatus))


@click.group(epilog="Example: oppspot-runner tasks list --status failed")
def tasks() -> None:
    """List, show, explain, retry and cancel tasks.

    A task is named by its id, or by the first characters of it (at least 4).
    """


tasks.add_command(explain)


@tasks.command("list", epilog="Example: oppspot-runner tasks list --status failed --limit 5")
@click.option("--status", "statuses", type=STATUSES, multiple=True, help="Repeatable.")
@click.option("--agent", help="Only of this agent (id or name).")
@click.option("--stream", help="Only of this stream (id or name).")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
@runs
async def list_(
    statuses: tuple[str, ...], agent: str | None, stream: str | None, limit: int, as_json: bool
) -> None:
    """List tasks, the newest first."""
    async with open_database() as database:
        db = client_of(database)
        rows = await read.list_tasks(
            database,
            statuses=statuses,
            agent_id=await db.run(directory.find_agent(agent)) if agent else None,
            stream_id=await db.run(directory.find_stream(stream)) if stream else None,
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
                _what(row),
            )
            for row in rows
        ],
    )


def _what(row: DictRow) -> str | None:
    if row["status"] == "processing":
        return "being cancelled" if row["cancel_requested"] else output.progress(row["progress"])
    if row["status"] == "pending" and (row["due_in_s"] or 0) > 0:
        again = f" (again after: {row['error_message']})" if row["error_message"] else ""
        return f"due in {output.span(row['due_in_s'])}{again}"
    error: str | None = row["error_message"]
    return error


@tasks.command(epilog="Example: oppspot-runner tasks show 01990c3e-7b")
@click.argument("task")
@json_option
@runs
async def show(task: str, as_json: bool) -> None:
    """Show a task with its attempts, finished steps and progress."""
    async with open_database() as database:
        task_id = await read.find_task(database, task)
        state = await client_of(database).get(task_id)
        attempts = await read.attempts(database, task_id)
        steps = await read.steps(database, task_id)
    if as_json:
        output.print_json({"task": asdict(state), "attempts": attempts, "steps": steps})
        return
    parts = [_fields(state)]
    if attempts:
        parts.append(_attempts(attempts))
    if steps:
        parts.append(_steps(steps))
    output.show(*parts)


def _fields(state: TaskState) -> RenderableType:
    agent = f"{state.agent_name or ''} ({state.agent_type or 'no type'}) {state.agent_id or ''}"
    # The column's default says nothing: then the agent's own number counts.
    most = "" if state.max_retries == DEFAULT_MAX_RETRIES else f" of {state.max_retries}"
    asked = state.cancel_requested_at is not None and not state.ended
    return output.fields(
        [
            ("task", state.id),
            ("status", state.status),
            ("agent", agent),
            ("priority", state.priority),
            ("task type", state.task_type),
            ("stream", state.stream_id),
            ("run", state.run_id),
            ("organisation", state.org_id),
            ("requested by", state.requested_by),
            ("unique key", state.unique_key),
            ("attempts", state.attempt),
            ("retries", f"{state.retry_count}{most}"),
            ("crashes", state.crash_count or None),
            ("runner", state.runner_id),
            ("progress", output.progress(state.progress)),
            ("cancel", f"asked for: {state.cancel_reason}" if asked else None),
            ("error", state.error_message),
            ("made", state.created_at),
            ("due", state.scheduled_for),
            ("started", state.started_at),
            ("ended", state.finished_at),
            ("payload", state.payload),
            ("output", state.output),
        ]
    )


def _attempts(rows: list[DictRow]) -> RenderableType:
    return output.table(
        ["attempt>", "status", "runner>", "started", "took>", "metrics", "error..."],
        [
            (
                row["attempt"],
                row["status"],
                row["runner_id"],
                row["started_at"],
                "" if row["duration_ms"] is None else output.span(row["duration_ms"] / 1000),
                _numbers(row["metrics"]),
                row["error_message"],
            )
            for row in rows
        ],
    )


def _numbers(metrics: Any) -> str:
    pairs = metrics.items() if isinstance(metrics, dict) else ()
    return " ".join(f"{name}={value}" for name, value in pairs if value)


def _steps(rows: list[DictRow]) -> RenderableType:
    return output.table(
        ["step", "no>", "attempt>", "finished", "bytes>"],
        [
            (row["name"], row["seq"], row["attempt"], row["created_at"], row["result_bytes"])
            for row in rows
        ],
    )


@tasks.command(epilog="Example: oppspot-runner tasks retry 01990c3e-7b")
@click.argument("tasks", nargs=-1, required=True)
@json_option
@runs
async def retry(tasks: tuple[str, ...], as_json: bool) -> None:
    """Put ended tasks in line again, with all their retries."""
    async with open_database() as database:
        await _each(database, tasks, as_json, "put in line again", client.retry)


@tasks.command(epilog="Example: oppspot-runner tasks cancel 01990c3e-7b --reason 'wrong list'")
@click.argument("tasks", nargs=-1, required=True)
@click.option("--reason", help="Kept with the task.")
@json_option
@runs
async def cancel(tasks: tuple[str, ...], reason: str | None, as_json: bool) -> None:
    """Cancel tasks: waiting ones at once, running ones by their runners."""
    async with open_database() as database:
        await _each(
            database, tasks, as_json, "cancelled", lambda task_id: client.cancel(task_id, reason)
        )


async def _each(
    database: Database, names: tuple[str, ...], as_json: bool, done: str, operation: Any
) -> None:
    """Does `operation` for each task; one that fails does not keep the others from it."""
    db = client_of(database)
    results = []
    for name in names:
        try:
            task_id = await read.find_task(database, name)
            changed = await db.run(operation(task_id))
            results.append(_result(await db.get(task_id), changed, done))
        except OppspotError as error:
            results.append({"id": name, "changed": False, "text": f"error: {error.one_line()}"})
    if as_json:
        output.print_json([{k: v for k, v in one.items() if k != "text"} for one in results])
    for one in results:
        if not as_json or one["text"].startswith("error: "):
            click.echo(output.safe(one["text"]), err=one["text"].startswith("error: "))
    if not all(one["changed"] for one in results):
        sys.exit(1)


def _result(state: TaskState, changed: bool, done: str) -> dict[str, Any]:
    shown: UUID = state.id
    if not changed:
        text = f"Task {shown} is {state.status}: nothing to do."
    elif state.status == "processing":
        text = f"Task {shown} is running; its runner was asked to end it."
    else:
        text = f"Task {shown} was {done}."
    return {"id": shown, "status": state.status, "changed": changed, "text": text}
