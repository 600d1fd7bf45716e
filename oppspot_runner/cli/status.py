"""`status`: how things stand, for people, for scripts and for health checks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from oppspot_runner.app.database import embedded_folder, given_dsn
from oppspot_runner.app.status import Status, nothing, read_status
from oppspot_runner.base.settings import Settings
from oppspot_runner.cli import output
from oppspot_runner.cli.session import json_option, load, open_running, runs
from oppspot_runner.cli.status_screen import LOOK_S
from oppspot_runner.db.pool import Database, describe

if TYPE_CHECKING:
    from psycopg.rows import DictRow
    from rich.console import RenderableType

HEALTHY, NOTHING_RUNS, UNHEALTHY = 0, 3, 4


@click.command(epilog="Example: oppspot-runner status --watch")
@json_option
@click.option("--watch", is_flag=True, help="A live screen, until Ctrl-C; JSON as lines.")
@runs
async def status(as_json: bool, watch: bool) -> None:
    """Show runners, counts, running and recent tasks.

    Exit code 0: running or paused. 3: nothing is running. 4: a heartbeat is late, an event loop
    stands still, a runner died with tasks in its name, or due work is left lying while slots are
    free.
    """
    settings = load()
    async with open_running(settings) as database:
        if watch and database is not None:
            await _watch(database, settings, as_json)
        found = nothing(settings) if database is None else await read_status(database, settings)
        dsn = database.dsn if database is not None else None
    if as_json:
        output.warn(f"database: {_name(settings, dsn)}")
        for problem in found.problems:
            output.warn(f"unhealthy: {problem}")
        output.print_json(found.body())
    else:
        output.show(*_parts(found, settings, dsn))
    sys.exit(exit_code(found))


def exit_code(found: Status) -> int:
    """What a health check is told."""
    if found.state == "stopped" and not found.problems:
        return NOTHING_RUNS
    if not any(row["alive"] for row in found.runners):
        return NOTHING_RUNS
    return UNHEALTHY if found.problems else HEALTHY


async def _watch(database: Database, settings: Settings, as_json: bool) -> None:
    if not as_json and sys.stdout.isatty():
        from oppspot_runner.cli.status_watch import watch

        await watch(database, settings, _name(settings, database.dsn), _notes)
    while True:
        found = await read_status(database, settings)
        if as_json:
            output.print_json(found.body(), indent=None)
        else:
            output.show(*_parts(found, settings, database.dsn))
        sys.stdout.flush()
        await asyncio.sleep(LOOK_S)


def _name(settings: Settings, dsn: str | None) -> str:
    schema = "" if settings.schema_name == "public" else f" (schema {settings.schema_name})"
    if given_dsn(settings) is None:
        state = "" if dsn else ", not running"
        return f"the private Postgres in {embedded_folder(settings)}{state}{schema}"
    return f"{describe(dsn or '')}{schema}"


def _parts(found: Status, settings: Settings, dsn: str | None) -> list[RenderableType]:
    parts: list[RenderableType] = [_head(found, settings, dsn)]
    if found.runners:
        parts.append(_runners(found))
    if found.running:
        parts.append(_running(found))
    if found.recent:
        parts.append(_recent(found))
    parts += [output.styled(note, "yellow") for note in _notes(found)]
    parts += [output.styled(f"unhealthy: {problem}", "red") for problem in found.problems]
    if not found.runners:
        parts.append(output.styled("Start a runner with `oppspot-runner start`.", "dim"))
    return parts


def _head(found: Status, settings: Settings, dsn: str | None) -> RenderableType:
    counts = " · ".join(f"{number} {name}" for name, number in found.stats.items())
    runners = sum(row["alive"] for row in found.runners)
    state = f"{runners} runner{'' if runners == 1 else 's'}, {found.slots} slots"
    private = given_dsn(settings) is None
    return output.fields(
        [
            ("database", _name(settings, dsn)),
            ("connect", dsn if private else None),
            ("status", output.cell(found.state)),
            ("runners", state),
            ("tasks", counts if dsn else "kept in that folder, counted while it runs"),
            ("schedules", _schedules(found.schedules)),
            *(("paused", _pause(row)) for row in found.pauses),
            ("waiting", _waiting(found) or None),
            *(("breaker", _breaker(row)) for row in found.breakers),
            *(("host", _host(row)) for row in found.hosts),
            ("undelivered", _undelivered(found.undelivered)),
            *(("attention", f"agent {row['agent_name']}: {row['error']}") for row in found.in_need),
        ]
    )


def _schedules(row: dict[str, Any]) -> str | None:
    if not row.get("schedules"):
        return None
    parts = [f"{row['active']} active"]
    if row["next_due_at"] is not None:
        parts.append(f"next at {output.moment(row['next_due_at'])}")
    if row["failed"]:
        parts.append(f"{row['failed']} with an error, see `oppspot-runner schedules list`")
    return " · ".join(parts)


def _pause(row: dict[str, object]) -> str:
    reason = f" ({row['reason']})" if row["reason"] else ""
    return f"{row['scope']} {row['agent_name'] or row['key']}{reason}"


def _undelivered(rows: Sequence[DictRow]) -> str | None:
    if not rows:
        return None
    last = rows[-1]
    told = f"{len(rows)} notification(s), last by {last['channel']}: {last['error_message']}"
    return f"{told}; see `oppspot-runner notifications list`"


def _waiting(found: Status) -> str:
    words = {"time": "for a time", "event": "for an event", "children": "for their children"}
    return ", ".join(f"{number} {words[kind]}" for kind, number in found.waiting.items())


def _breaker(row: DictRow) -> str:
    due = "now" if row["next_try_s"] == 0 else f"in {output.span(row['next_try_s'])}"
    try_ = f"task {row['probe_id']} tries" if row["probe_id"] else f"one task tries {due}"
    name = row["agent_name"] or row["agent_id"]
    return f"agent {name}: {row['state']} after {row['failures']} errors in a row, {try_}"


def _host(row: DictRow) -> str:
    due = "now" if row["next_try_s"] == 0 else f"in {output.span(row['next_try_s'])}"
    failed = f"{row['state']} after {row['failures']} failures"
    return f"{row['host']} ({row['source']}): {failed}, one call tries {due}"


def _runners(found: Status) -> RenderableType:
    return output.table(
        [
            "runner>",
            "host...",
            "pid>",
            "state",
            "busy>",
            "heartbeat>",
            "lag>",
            "wake",
            "types...",
            "labels...",
            "version",
            "since",
        ],
        [
            (
                row["id"],
                row["host"],
                row["pid"],
                row["state"],
                f"{row['running']}/{row['slots']}",
                output.ago(row["heartbeat_age_s"]),
                output.span(row["lag_ms"] / 1000),
                row["wake"],
                ", ".join(row["task_types"] or ["all"]),
                ", ".join(row["labels"]),
                row["version"],
                row["started_at"],
            )
            for row in found.runners
        ],
    )


def _notes(found: Status) -> Iterator[str]:
    """What keeps slots of runners, or the runners themselves, from being of use."""
    for row in found.runners:
        if row["hanging"]:
            yield f"runner {row['id']}: {row['hanging']} agent(s) that were cut off still run"
        if row["alive"] and row["alone"]:
            yield f"runner {row['id']}: a task that took down two runners has it for itself"


def _running(found: Status) -> RenderableType:
    return output.table(
        ["running", "agent...", "runner>", "attempt>", "for>", "progress..."],
        [
            (
                row["id"],
                row["agent_name"] or row["task_type"],
                row["runner_id"],
                row["attempt"],
                output.span(max(row["age_s"], 0)),
                "being cancelled" if row["cancel_requested"] else output.progress(row["progress"]),
            )
            for row in found.running
        ],
    )


def _recent(found: Status) -> RenderableType:
    return output.table(
        ["recent", "agent...", "status", "when>", "took>", "error..."],
        [
            (
                row["id"],
                row["agent_name"] or row["task_type"],
                row["status"],
                output.ago(row["age_s"]),
                _took(row["duration_ms"]),
                row["error_message"],
            )
            for row in found.recent
        ],
    )


def _took(duration_ms: int | None) -> str:
    return "" if duration_ms is None else output.span(max(duration_ms, 0) / 1000)
