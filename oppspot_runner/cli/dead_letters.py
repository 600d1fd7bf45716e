"""`dead-letters list|show|requeue|discard`: what failed for good, and what becomes of it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
from psycopg.rows import DictRow

from oppspot_runner.base.errors import OppspotError
from oppspot_runner.cli import output
from oppspot_runner.cli.session import client_of, json_option, open_database, runs, say
from oppspot_runner.cli.task_view import as_dict, parts, tell_each
from oppspot_runner.cli.values import json_object, past_time
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import dead_letters as letters
from oppspot_runner.queue import read
from oppspot_runner.queue.dead_letters import Changed, Filter, discard_all, requeue_all
from oppspot_runner.queue.whole_task import whole_task
from oppspot_runner.streams import directory

if TYPE_CHECKING:
    from rich.console import RenderableType

CLOCK = statement("tasks/clock")
MOST_AGENTS = 3


@click.group("dead-letters", epilog="Example: oppspot-runner dead-letters list --since 1d")
def dead_letters() -> None:
    """List, show, requeue and discard tasks that failed for good.

    They stay until they are put in line again or discarded.
    """


def _filtered(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--since", metavar="TIME", help="Failed since: 2h, 1d, or a time."),
        click.option("--fingerprint", help="Of this group, as `list` prints it."),
        click.option("--error", metavar="TEXT", help="With this in the message, in any case."),
        click.option("--org", "org_id", type=click.UUID, help="Of this organisation (id)."),
        click.option("--type", help="Of this task_type or agent_type."),
        click.option("--agent", help="Of this agent (id or name)."),
    ):
        command = option(command)
    return command


def _bulk(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        json_option,
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--dry-run", is_flag=True, help="Only say which tasks are meant."),
        click.option("--all", "everything", is_flag=True, help="All that the filters let through."),
    ):
        command = option(command)
    return _filtered(command)


@dead_letters.command("list", epilog="Example: oppspot-runner dead-letters list --agent Digest")
@_filtered
@click.option("--tasks", is_flag=True, help="A line for each task, not for each group.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
@runs
async def list_(tasks: bool, limit: int, as_json: bool, **filters: Any) -> None:
    """List what went wrong: failed tasks in groups, those first that failed last.

    A group is all tasks whose messages differ only in ids, numbers and quoted values.
    """
    async with open_database() as database:
        wanted = await _filter(database, **filters)
        if tasks:
            rows = await letters.matching(database, wanted, limit=limit)
        else:
            rows = (await letters.groups(database, wanted))[:limit]
    if as_json:
        output.print_json(rows)
    elif rows:
        output.show(_task_table(rows) if tasks else _group_table(rows))
    else:
        click.echo("No dead letter.")


@dead_letters.command(epilog="Example: oppspot-runner dead-letters show 01990c3e-7b")
@click.argument("task")
@json_option
@runs
async def show(task: str, as_json: bool) -> None:
    """Show a failed TASK with the evidence: attempts, where they ran, and how many are like it."""
    async with open_database() as database:
        task_id = await read.find_task(database, task)
        group = await letters.group_of(database, task_id)
        found = await whole_task(database, task_id)
    if as_json:
        output.print_json({**as_dict(found), "group": group})
    else:
        output.show(*parts(found), _group_table([group]))


@dead_letters.command(
    epilog="Example: oppspot-runner dead-letters requeue --all --error 'timed out' --since 1d"
)
@click.argument("tasks", nargs=-1)
@click.option("--payload", callback=json_object, metavar="JSON", help="Of one task; or @FILE.")
@_bulk
@runs
async def requeue(
    tasks: tuple[str, ...], payload: dict[str, Any] | None, as_json: bool, **choice: Any
) -> None:
    """Put failed TASKS, or --all that the filters let through, in line again with all retries.

    Finished steps stay known, also with another payload; `tasks replay` begins without them.
    """
    if payload is not None and len(tasks) != 1:
        raise click.UsageError("--payload is for one task: name it")
    change = _Change("put in line again", partial(letters.requeue, payload=payload), requeue_all)
    await _apply(change, tasks, as_json, **choice)


@dead_letters.command(
    epilog="Example: oppspot-runner dead-letters discard --all --fingerprint 2fa41d0b9c --dry-run"
)
@click.argument("tasks", nargs=-1)
@click.option("--reason", default="discarded", show_default=True, help="Kept with the tasks.")
@_bulk
@runs
async def discard(tasks: tuple[str, ...], reason: str, as_json: bool, **choice: Any) -> None:
    """Cancel failed TASKS, or --all that the filters let through.

    They are deleted after OPPSPOT_RETENTION, counted from now; until then `tasks retry` takes
    them back.
    """
    change = _Change(
        "discarded", partial(letters.discard, reason=reason), partial(discard_all, reason=reason)
    )
    await _apply(change, tasks, as_json, **choice)


@dataclass(frozen=True)
class _Change:
    """What is done to dead letters: in words, to some, and to all of a filter."""

    done: str
    to_these: Callable[[Database, Sequence[UUID]], Awaitable[list[UUID]]]
    to_all: Callable[[Database, Filter], Awaitable[Changed]]


async def _apply(
    change: _Change,
    names: tuple[str, ...],
    as_json: bool,
    *,
    everything: bool,
    dry_run: bool,
    yes: bool,
    **filters: Any,
) -> None:
    filtered = any(value is not None for value in filters.values())
    if bool(names) == everything or (names and filtered):
        raise click.UsageError("name tasks, or say --all with the filters that choose them")
    async with open_database() as database:
        if names:
            await _change_these(database, change, names, dry_run, as_json)
            return
        wanted = await _filter(database, **filters)
        groups = await letters.groups(database, wanted)
        matched = sum(group["tasks"] for group in groups)
        if dry_run or not matched:
            _tell_plan(change, groups, matched, as_json)
        elif _confirmed(f"{matched} task(s) will be {change.done}. Go on?", yes):
            _tell_changed(change, await change.to_all(database, wanted), as_json)


async def _change_these(
    database: Database, change: _Change, names: tuple[str, ...], dry_run: bool, as_json: bool
) -> None:
    """Changes the named tasks; one that cannot be does not keep the others from it."""
    found: dict[str, UUID] = {}
    results = []
    for name in names:
        try:
            found[name] = await read.find_task(database, name)
        except OppspotError as error:
            results.append({"id": name, "changed": False, "text": f"error: {error.one_line()}"})
    changed = set() if dry_run else set(await change.to_these(database, list(found.values())))
    for task_id in found.values():
        state = await client_of(database).get(task_id)
        if dry_run and state.status == "failed":
            text = f"Task {task_id} would be {change.done}."
        elif task_id in changed:
            text = f"Task {task_id} was {change.done}."
        elif state.status == "failed":
            text = f"Task {task_id} stays: another task with its unique key waits or runs."
        else:
            text = f"Task {task_id} is {state.status}, not failed: nothing to do."
        done = task_id in changed or (dry_run and state.status == "failed")
        results.append({"id": task_id, "status": state.status, "changed": done, "text": text})
    tell_each(results, as_json)


def _tell_plan(change: _Change, groups: list[DictRow], matched: int, as_json: bool) -> None:
    if as_json:
        output.print_json({"matched": matched, "changed": 0, "groups": groups})
    elif not groups:
        click.echo("No dead letter.")
    else:
        output.show(_group_table(groups), output.styled(f"{matched} would be {change.done}."))


def _tell_changed(change: _Change, result: Changed, as_json: bool) -> None:
    left = result.matched - result.changed
    text = f"{result.changed} task(s) were {change.done}."
    if left:
        text += f" {left} stay: they were changed meanwhile, or their unique key is taken."
    say(asdict(result), text, as_json)
    if left:
        sys.exit(1)


def _confirmed(question: str, yes: bool) -> bool:
    """Asks on a terminal; elsewhere --all is the answer."""
    if yes or not sys.stdin.isatty() or click.confirm(question, err=True):
        return True
    click.echo("Nothing was changed.", err=True)
    sys.exit(1)


async def _filter(
    database: Database, *, agent: str | None, since: str | None, **plain: Any
) -> Filter:
    agent_id = await client_of(database).run(directory.find_agent(agent)) if agent else None
    earliest = None
    if since:
        row = await database.fetch_one(CLOCK)
        assert row is not None
        earliest = past_time(since, row["now"])
    return Filter(agent_id=agent_id, since=earliest, **plain)


def _group_table(rows: Sequence[DictRow]) -> RenderableType:
    return output.table(
        ["fingerprint", "tasks>", "first>", "last>", "agents...", "last task", "last error..."],
        [
            (
                row["fingerprint"],
                row["tasks"],
                output.ago(row["first_seen_s"]),
                output.ago(row["last_seen_s"]),
                _names(row["agents"]),
                row["last_id"],
                row["last_error"] or "(no message)",
            )
            for row in rows
        ],
    )


def _names(agents: list[str]) -> str:
    more = len(agents) - MOST_AGENTS
    return ", ".join(agents[:MOST_AGENTS]) + (f" and {more} more" if more > 0 else "")


def _task_table(rows: Sequence[DictRow]) -> RenderableType:
    return output.table(
        ["task", "agent...", "tries>", "crashes>", "failed>", "fingerprint", "error..."],
        [
            (
                row["id"],
                row["agent_name"],
                row["attempts"],
                row["crash_count"],
                output.ago(row["age_s"]),
                row["fingerprint"],
                row["error_message"],
            )
            for row in rows
        ],
    )
