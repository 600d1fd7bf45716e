"""`pause` and `resume`: of runners, agents, types and organisations."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from oppspot_runner.base.payload import identifier
from oppspot_runner.cli.session import client_of, json_option, open_running, runs, say
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import control, members, read
from oppspot_runner.queue.control import Scope
from oppspot_runner.streams import directory

LOOK_S = 0.1
NOT_RUNNING = "The private Postgres is not running, and so is nothing else."


def _scoped(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--runner", "runners", multiple=True, type=int, help="Only this runner."),
        click.option("--agent", help="Tasks of this agent (id or name)."),
        click.option("--type", "of_type", help="Tasks of this task_type or agent_type."),
        click.option("--org", help="Tasks of this organisation (id)."),
        click.option(
            "--timeout",
            "timeout_s",
            type=click.FloatRange(min=0),
            default=15,
            show_default=True,
            help="Seconds to wait for runners to obey.",
        ),
        json_option,
    ):
        command = option(command)
    return command


@click.command(epilog="Example: oppspot-runner pause --agent 'Daily Signal Scout'")
@_scoped
@click.option("--reason", help="Shown by status, with --agent, --type and --org.")
@runs
async def pause(reason: str | None, as_json: bool, **scope: Any) -> None:
    """Let runners take nothing, or only no tasks of some agent, type or organisation.

    Without an option all live runners pause. What runs already goes on to its end.
    """
    await _apply("pause", reason, as_json, **scope)


@click.command(epilog="Example: oppspot-runner resume --type agent_execution")
@_scoped
@runs
async def resume(as_json: bool, **scope: Any) -> None:
    """End a pause.

    Without an option all live runners go on. A pause of an agent, type or organisation ends only
    when it is named.
    """
    await _apply("resume", None, as_json, **scope)


async def _apply(
    verb: str,
    reason: str | None,
    as_json: bool,
    *,
    runners: tuple[int, ...],
    agent: str | None,
    of_type: str | None,
    org: str | None,
    timeout_s: float,
) -> None:
    named = {"agent": agent, "type": of_type, "org": org}
    chosen = [(scope, key) for scope, key in named.items() if key is not None]
    if len(chosen) + bool(runners) > 1:
        raise click.UsageError("give one of --runner, --agent, --type and --org")
    async with open_running() as database:
        if database is None:
            say({"changed": False}, NOT_RUNNING, as_json)
        elif chosen:
            await _change_pause(database, verb, *chosen[0], reason, as_json)
        else:
            await _ask_runners(database, verb, list(runners) or None, timeout_s, as_json)


async def _change_pause(
    database: Database, verb: str, scope: Any, key: str, reason: str | None, as_json: bool
) -> None:
    exact = await _exact(database, scope, key)
    if verb == "pause":
        await control.pause(database, scope, exact, reason)
        text = f"Paused: {scope} {key}. Resume with `oppspot-runner resume --{scope} {key}`."
        changed = True
    else:
        changed = await control.resume(database, scope, exact)
        text = f"Resumed: {scope} {key}." if changed else f"The {scope} {key} was not paused."
    say({"scope": scope, "key": exact, "changed": changed}, text, as_json)


async def _exact(database: Database, scope: Scope, key: str) -> str:
    if scope == "agent":
        return str(await client_of(database).run(directory.find_agent(key)))
    return str(identifier(key, "the organisation")) if scope == "org" else key


async def _ask_runners(
    database: Database, verb: str, ids: list[int] | None, timeout_s: float, as_json: bool
) -> None:
    asked = await members.ask(database, "pause" if verb == "pause" else "run", ids)
    waiting = {row["id"] for row in asked}
    wanted, until = ("paused" if verb == "pause" else "running"), time.monotonic() + timeout_s
    obeyed: list[int] = []
    while waiting:
        rows = {row["id"]: row for row in await read.runners(database) if row["alive"]}
        obeyed += sorted(one for one in waiting if one in rows and rows[one]["state"] == wanted)
        waiting = {one for one in waiting if one in rows} - set(obeyed)
        if waiting and time.monotonic() > until:
            break
        if waiting:
            await asyncio.sleep(LOOK_S)
    unknown = sorted(set(ids or ()) - {row["id"] for row in asked})
    say(
        {wanted: obeyed, "waiting": sorted(waiting), "unknown": unknown},
        _told(wanted, obeyed, sorted(waiting), unknown, timeout_s),
        as_json,
    )
    if waiting or unknown:
        sys.exit(1)


def _told(
    wanted: str, obeyed: list[int], waiting: list[int], unknown: list[int], timeout_s: float
) -> str:
    parts = []
    if obeyed:
        parts.append(f"{wanted.capitalize()}: runner {_joined(obeyed)}.")
    if waiting:
        parts.append(f"Not yet {wanted} after {timeout_s:g} s: runner {_joined(waiting)}.")
    if unknown:
        parts.append(f"Not running: runner {_joined(unknown)}.")
    return " ".join(parts) or "No runner is running."


def _joined(ids: list[int]) -> str:
    return ", ".join(map(str, ids))
