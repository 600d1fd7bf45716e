"""`enqueue`: one task from the command line, or many from a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, TextIO
from uuid import UUID

import click

from oppspot_runner.base.errors import InvalidInputError, OppspotError
from oppspot_runner.base.payload import object_json, plain_text
from oppspot_runner.cli import output
from oppspot_runner.cli.session import client_of, json_option, open_database, runs, say
from oppspot_runner.cli.values import due_time, json_lines, json_object
from oppspot_runner.db.files import statement
from oppspot_runner.db.operation import Call, Operation
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import client as tasks
from oppspot_runner.queue import read
from oppspot_runner.streams import directory

CLOCK = statement("tasks/clock")
KEYS = ("agent", "payload", "priority", "at", "stream", "key", "max_retries", "task_type")


@click.command(epilog="Example: oppspot-runner enqueue weekly_digest --payload '{\"days\": 7}'")
@click.argument("agent", required=False)
@click.option("--payload", callback=json_object, metavar="JSON", help="What it gets; or @FILE.")
@click.option("--priority", type=click.IntRange(1, 10), help="10 goes first (default 5).")
@click.option("--at", metavar="TIME", help="When it is due: 2026-01-31T09:00Z, or +10m, +2h.")
@click.option("--stream", help="The stream that it works for (id or name).")
@click.option("--key", help="Add nothing while a task with this key waits or runs.")
@click.option("--max-retries", type=click.IntRange(min=0), help="Errors that are retried.")
@click.option("--task-type", help="Its lane (default: the agent's, else agent_execution).")
@click.option("--requested-by", default="cli", show_default=True, help="Who asked for it.")
@click.option("--from", "file", type=click.File(encoding="utf-8"), help="JSON lines; - is stdin.")
@json_option
@runs
async def enqueue(
    agent: str | None, file: TextIO | None, requested_by: str, as_json: bool, **options: Any
) -> None:
    """Add a task for AGENT (id, name or type).

    With --from every line of a file is a task: a JSON object with the keys agent, payload,
    priority, at, stream, key, max_retries and task_type. What a line leaves out is taken from the
    command line. All tasks are added, or none.
    """
    if agent is None and file is None:
        raise click.UsageError("which agent? Give AGENT, or --from FILE")
    given = {"agent": agent, **options}
    lines = [(0, {})] if file is None else json_lines(_text(file))
    async with open_database() as database:
        ids = await client_of(database).run(_enqueue_all(lines, given, requested_by))
        idle = not any(row["alive"] for row in await read.runners(database))
        if file is None and not as_json:
            await _tell_one(database, ids[0], later=options["at"] is not None)
    if file is not None or as_json:
        whole = {"id": ids[0]} if file is None else {"ids": ids, "enqueued": len(ids)}
        say(whole, f"{len(ids)} tasks wait.", as_json)
    if idle:
        output.warn("No runner is running: start one with `oppspot-runner start`.")


def _text(file: TextIO) -> str:
    try:
        return file.read()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{file.name} is not UTF-8: {error}") from None


async def _tell_one(database: Database, task_id: UUID, *, later: bool) -> None:
    state = await client_of(database).get(task_id)
    agent = state.agent_name or state.agent_type
    due = f", due {output.moment(state.scheduled_for)}" if later else ""
    click.echo(output.safe(f"Task {state.id} for {agent} is {state.status}{due}."))


def _enqueue_all(
    lines: Sequence[tuple[int, dict[str, Any]]], given: dict[str, Any], requested_by: str
) -> Operation[list[UUID]]:
    """Neighbours with the same options go in one statement; all lines in one transaction."""
    (row,) = yield Call(CLOCK)
    wanted = []
    for number, line in lines:
        with _in_line(number):
            wanted.append(_task(line, given, row["now"]))
    ids: list[UUID] = []
    place = 0
    for options, group in groupby(wanted, key=lambda task: task[2]):
        some = list(group)
        with _in_line(lines[place][0]):
            chosen = yield from _with_stream(dict(options))
            ids += yield from tasks.enqueue_many(
                payloads=[payload for payload, _, _ in some],
                unique_keys=[key for _, key, _ in some],
                requested_by=requested_by,
                **chosen,
            )
        place += len(some)
    return ids


Wanted = tuple[dict[str, Any], str | None, tuple[tuple[str, Any], ...]]


def _task(line: dict[str, Any], given: dict[str, Any], now: datetime) -> Wanted:
    unknown = sorted(set(line) - set(KEYS))
    if unknown:
        raise InvalidInputError(f"{unknown[0]!r} means nothing", hint=f"Known: {', '.join(KEYS)}.")
    full = {**{key: value for key, value in given.items() if value is not None}, **line}
    if not full.get("agent"):
        raise InvalidInputError("no agent is named")
    if isinstance(full.get("at"), str):
        full["at"] = due_time(full["at"], now)
    payload, key = full.pop("payload", {}), full.pop("key", None)
    object_json(payload)
    if key is not None:
        plain_text(key, "key")
    return payload, key, tuple(sorted(full.items()))


def _with_stream(options: dict[str, Any]) -> Operation[dict[str, Any]]:
    stream = options.pop("stream", None)
    if stream is not None:
        options["stream_id"] = yield from directory.find_stream(str(stream))
    options["agent"] = yield from directory.find_agent(str(options["agent"]))
    return options


class _in_line:  # noqa: N801 - reads as a word of the with statement
    """Names the line of the file in errors of its task; line 0 is the command line."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self.number and isinstance(error, OppspotError):
            raise InvalidInputError(f"line {self.number}: {error}", hint=error.hint) from error
