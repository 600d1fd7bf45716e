"""`stop`, `pause` and `resume`: of runners, agents, types and organisations."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import click
from psycopg.rows import DictRow

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.cli.background import is_runner
from oppspot_runner.cli.scope import exact_key, scope_options
from oppspot_runner.cli.session import json_option, open_database, open_running, runs, say
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import control, members, read

Verb = Literal["stop", "stop_now", "pause", "run"]
LOOK_S = 0.1
GONE_LOOKS = 50  # five seconds
DONE = {"stop": "stopped", "stop_now": "stopped", "pause": "paused", "run": "running"}


@dataclass(frozen=True)
class Answer:
    """What became of a request: who obeyed, who has not yet, and named ids that are not there."""

    obeyed: tuple[DictRow, ...] = ()
    waiting: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()

    @property
    def ids(self) -> list[int]:
        """The ids of those that obeyed."""
        return sorted(row["id"] for row in self.obeyed)


def _timed(default_s: float) -> Callable[..., Any]:
    return click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(min=0),
        default=default_s,
        show_default=True,
        help="Seconds to wait for runners to obey.",
    )


_named = click.option(
    "--runner", "runners", multiple=True, type=int, help="Only this one. Repeatable."
)


def _scoped(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        json_option,
        _timed(15),
        scope_options,
        _named,
    ):
        command = option(command)
    return command


@click.command(epilog="Example: oppspot-runner stop --runner 12 --timeout 60")
@_named
@click.option("--here", is_flag=True, help="Only those of this host.")
@click.option("--now", is_flag=True, help="Give running tasks back at once.")
@_timed(60)
@json_option
@runs
async def stop(
    runners: tuple[int, ...], here: bool, now: bool, timeout_s: float, as_json: bool
) -> None:
    """Stop runners, on this host or any other, and wait until they are gone."""
    if runners and here:
        raise click.UsageError("give one of --runner and --here")
    verb: Verb = "stop_now" if now else "stop"
    answer = await _ask(verb, runners, timeout_s, host=socket.gethostname() if here else None)
    await _gone([row["pid"] for row in answer.obeyed if row["host"] == socket.gethostname()])
    _tell(verb, answer, timeout_s, as_json)


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
    when it is named. With --agent also the breaker of that agent closes, if it is open.
    """
    await _apply("run", None, as_json, **scope)


async def _apply(
    verb: Verb,
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
    if chosen:
        async with open_database() as database:
            await _change_pause(database, verb, *chosen[0], reason, as_json)
        return
    answer = await _ask(verb, runners, timeout_s)
    _tell(verb, answer, timeout_s, as_json)


async def _change_pause(
    database: Database, verb: Verb, scope: Any, key: str, reason: str | None, as_json: bool
) -> None:
    exact = await exact_key(database, scope, key)
    shown = {"scope": scope, "key": exact}
    if verb == "pause":
        known = await control.pause(database, scope, exact, reason)
        text = f"Paused: {scope} {key}. Resume with `oppspot-runner resume --{scope} {key}`."
        note = "" if known else f" Note: nothing has the {scope} {key} yet."
        say({**shown, "changed": True, "known": known}, text + note, as_json)
    else:
        changed = await control.resume(database, scope, exact)
        text = f"Resumed: {scope} {key}." if changed else f"The {scope} {key} was not paused."
        say({**shown, "changed": changed}, text, as_json)


async def _ask(
    verb: Verb, ids: tuple[int, ...], timeout_s: float, *, host: str | None = None
) -> Answer:
    """Asks live runners (all, those of `ids` or of a host) and waits until they obeyed."""
    async with open_running() as database:
        if database is None:
            return Answer(unknown=ids)
        asked = {row["id"]: row for row in await members.ask(database, verb, ids or None, host)}
        obeyed, waiting = set[int](), set(asked)
        until = time.monotonic() + timeout_s
        while True:
            states = {r["id"]: r["state"] for r in await read.runners(database) if r["alive"]}
            obeyed |= {one for one in waiting if _has_obeyed(verb, states.get(one))}
            waiting &= states.keys() - obeyed
            if not waiting or time.monotonic() > until:
                break
            await asyncio.sleep(LOOK_S)
    unknown = sorted(set(ids) - obeyed - waiting)
    return Answer(tuple(asked[one] for one in obeyed), tuple(sorted(waiting)), tuple(unknown))


def _has_obeyed(verb: Verb, state: str | None) -> bool:
    return state is None if verb in ("stop", "stop_now") else state == DONE[verb]


def _tell(verb: Verb, answer: Answer, timeout_s: float, as_json: bool) -> None:
    """Says what became of a request.

    Raises NotFoundError for ids that are not there; exits with 1 when some have not obeyed yet.
    """
    done, lines = DONE[verb], []
    if answer.obeyed:
        lines.append(f"{done.capitalize()}: runner {_joined(answer.ids)}.")
    if answer.waiting:
        late = _joined(answer.waiting)
        lines.append(f"Not yet {done} after {timeout_s:g} s: runner {late}.")
        if verb == "stop":
            # Named one by one: without a name the command would stop all runners there are.
            named = " ".join(f"--runner {one}" for one in answer.waiting)
            lines.append(f"`oppspot-runner stop --now {named}` gives their tasks back at once.")
    if as_json or lines or not answer.unknown:
        shown = {done: answer.ids, "waiting": answer.waiting, "unknown": answer.unknown}
        say(shown, " ".join(lines) or "No runner is running.", as_json)
    if answer.unknown:
        raise NotFoundError(
            f"not running: runner {_joined(answer.unknown)}",
            hint="`oppspot-runner status` shows the ids of those that run.",
        )
    if answer.waiting:
        sys.exit(1)


def _joined(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))


async def _gone(pids: Sequence[int]) -> None:
    """Waits until processes of this host ended: a runner leaves its row a moment before that."""
    for _ in range(GONE_LOOKS):
        if not any(is_runner(pid) for pid in pids):
            return
        await asyncio.sleep(LOOK_S)
