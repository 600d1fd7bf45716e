"""`enqueue`: one task from the command line, or one for each line of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

import click

from oppspot_runner.base.payload import object_json
from oppspot_runner.cli import output
from oppspot_runner.cli.pace import tell_idle
from oppspot_runner.cli.progress import progress_bar
from oppspot_runner.cli.session import client_of, json_option, open_database, runs, say
from oppspot_runner.cli.task_lines import opened
from oppspot_runner.cli.task_load import TaskLoad
from oppspot_runner.cli.values import due_time, json_object
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import producer
from oppspot_runner.queue.producer import Added
from oppspot_runner.streams import directory

if TYPE_CHECKING:
    from oppspot_runner.app.client import AsyncClient

CLOCK = statement("tasks/clock")
OF_LINES = ("payload", "key")
COMMON = ("priority", "max_retries", "task_type", "limit_key", "requested_by")
DONE, FAILED = 0, 1


@click.command(epilog="Example: oppspot-runner enqueue weekly_digest --payload '{\"days\": 7}'")
@click.argument("agent", required=False)
@click.option("--payload", callback=json_object, metavar="JSON", help="What it gets; or @FILE.")
@click.option("--priority", type=click.IntRange(1, 10), help="10 goes first (default 5).")
@click.option("--at", metavar="TIME", help="When it is due: 2026-01-31T09:00Z, or +10m, +2h.")
@click.option("--stream", help="The stream that it works for (id or name).")
@click.option("--key", help="Only one task with this key waits or runs at a time.")
@click.option(
    "--on-conflict",
    type=click.Choice(get_args(producer.OnConflict)),
    default="skip",
    show_default=True,
    help="If the key is taken: add nothing, replace the task while it waits, or fail.",
)
@click.option("--max-retries", type=click.IntRange(min=0), help="Errors that are retried.")
@click.option("--task-type", help="Its lane (default: the agent's, else agent_execution).")
@click.option("--limit-key", help="It shares the limits of this key.")
@click.option("--requested-by", default="cli", show_default=True, help="Who asked for it.")
@click.option("--from", "file", metavar="FILE", help="JSON lines; - is stdin.")
@click.option("--strict", is_flag=True, help="With --from: add all lines or none.")
@json_option
@runs
async def enqueue(
    agent: str | None, file: str | None, strict: bool, as_json: bool, **options: Any
) -> int:
    """Add a task for AGENT (id, name or type), or one for each line of a file.

    Each line of --from is a JSON object. With AGENT it is a payload for it. Without, it is a whole
    task: agent and, where wanted, payload, priority, at, stream, key, max_retries, task_type and
    limit_key. Options of the command line are for all lines, but what a line says wins.

    Lines are added in portions. Those that no task can be made of are left out; stderr has their
    numbers and the reasons, and the exit code is 1.
    """
    _refuse_mixture(agent, file, strict, options)
    given = {"agent": agent, **options}
    async with open_database() as database:
        if file is None:
            code = await _enqueue_one(database, given, as_json)
        else:
            code = await _enqueue_lines(database, given, file, strict, as_json)
        await tell_idle(database)
    return code


def _refuse_mixture(
    agent: str | None, file: str | None, strict: bool, options: Mapping[str, Any]
) -> None:
    if file is None:
        if agent is None:
            raise click.UsageError("which agent? Give AGENT, or --from FILE")
        if strict:
            raise click.UsageError("--strict is for --from FILE")
    for name in OF_LINES:
        if file is not None and options[name] is not None:
            raise click.UsageError(f"with --from the lines say it, not --{name}")


async def _enqueue_one(database: Database, given: Mapping[str, Any], as_json: bool) -> int:
    client = client_of(database)
    made = await client.run(_one(given))
    (task,) = made.ids
    if as_json:
        output.print_json({"id": task})
        return DONE
    state = await client.get(task)
    agent = state.agent_name or state.agent_type
    due = f", due {output.moment(state.scheduled_for)}" if given["at"] is not None else ""
    text = f"Task {task} for {agent} is {state.status}{due}."
    if made.skipped:
        text = f"Nothing was added: its key is that of a task that has not ended. {text}"
    elif made.replaced:
        text = f"A waiting task with its key was replaced. {text}"
    click.echo(output.safe(text))
    return DONE


async def _enqueue_lines(
    database: Database, given: Mapping[str, Any], file: str, strict: bool, as_json: bool
) -> int:
    now, options = await client_of(database).run(_resolved(given))
    agent = options.pop("agent")
    with opened(file) as lines, progress_bar("enqueue", "lines") as bar:
        async with _client(database, one_transaction=strict) as client:
            load = TaskLoad(
                client,
                {"agent": agent, **producer.checked_options(**options)},
                on_conflict=given["on_conflict"],
                now=now,
                strict=strict,
                bar=bar,
            )
            report = await load.run(lines)
    say(report.to_json(), report.sentence(), as_json)
    return FAILED if report.left_out else DONE


def _one(given: Mapping[str, Any]) -> Operation[Added]:
    _, options = yield from _resolved(given)
    agent = options.pop("agent")
    row = producer.row(
        object_json(given["payload"] or {}), unique_key=producer.checked_key(given["key"])
    )
    made = yield from producer.add(
        [row], given["on_conflict"], {"agent": agent, **producer.checked_options(**options)}
    )
    if made.refused:
        raise made.refused[0].error
    return made


def _resolved(given: Mapping[str, Any]) -> Operation[tuple[datetime, dict[str, Any]]]:
    """The database's time, and what the command line says of all tasks, as `producer` names it."""
    (row,) = yield Call(CLOCK)
    now: datetime = row["now"]
    options: dict[str, Any] = {name: given[name] for name in COMMON}
    options["at"] = None if given["at"] is None else due_time(given["at"], now)
    for name, column, find in (
        ("agent", "agent", directory.find_agent),
        ("stream", "stream_id", directory.find_stream),
    ):
        options[column] = None if given[name] is None else (yield from find(given[name]))
    return now, options


@asynccontextmanager
async def _client(database: Database, *, one_transaction: bool) -> AsyncIterator[AsyncClient]:
    if not one_transaction:
        yield client_of(database)
        return
    async with database.transaction() as connection:
        yield client_of(connection)
