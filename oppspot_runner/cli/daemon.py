"""`start` and `stop`."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from pathlib import Path
from typing import Any

import click

from oppspot_runner.base.settings import Settings, load_settings

EVERY_S = 0.2
GONE_LOOKS = 100  # five seconds


@click.command(epilog="Example: oppspot-runner start --concurrency 5 --import myproject.agents")
@click.option("--detach", is_flag=True, help="Go to the background once the runner takes tasks.")
@click.option("--concurrency", type=int, help="Agents at the same time (default 3).")
@click.option("--poll-interval", type=float, help="Seconds between two looks for work (5).")
@click.option("--task-type", "task_types", multiple=True, help="Serve only this type. Repeatable.")
@click.option("--import", "import_", multiple=True, help="Python module with agents. Repeatable.")
@click.option("--drain-and-exit", is_flag=True, help="End when nothing is due or running.")
@click.option("--no-migrate", is_flag=True, help="Do not touch the schema; refuse an old one.")
@click.option("--embedded", is_flag=True, help="Use the private Postgres, also as a service.")
@click.option("--log-level", help="debug, info, warning or error (default info).")
@click.option("--pid-file", type=click.Path(path_type=Path), help="Where --detach keeps the pid.")
@click.option("--log-file", type=click.Path(path_type=Path), help="Where --detach sends the log.")
@click.option("--ready-fd", type=int, hidden=True)
def start(
    detach: bool,
    drain_and_exit: bool,
    no_migrate: bool,
    embedded: bool,
    pid_file: Path | None,
    log_file: Path | None,
    ready_fd: int | None,
    **flags: Any,
) -> None:
    """Start the daemon: it takes tasks until it is stopped.

    Migrates the database first. The first TERM or Ctrl-C lets running tasks end, the second gives
    them back at once.
    """
    from oppspot_runner.app.database import require_choice

    settings = load_settings(**flags)
    interactive = sys.stdin.isatty() or sys.stderr.isatty()
    require_choice(settings, embedded_asked=embedded, interactive=interactive)
    if detach:
        _detach(pid_file, log_file)
        return
    from oppspot_runner.cli.foreground import serve

    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # --import finds modules of the current folder
    asyncio.run(
        serve(
            settings,
            migrate_first=not no_migrate,
            drain_and_exit=drain_and_exit,
            ready_fd=ready_fd,
        )
    )


def _detach(pid_file: Path | None, log_file: Path | None) -> None:
    from oppspot_runner.cli.background import detach, state_folder

    folder = state_folder()
    pid_path, log_path = pid_file or folder / "runner.pid", log_file or folder / "runner.log"
    given = sys.argv[sys.argv.index("start") + 1 :] if "start" in sys.argv else []
    kept = _without(given, flags={"--detach"}, options={"--pid-file", "--log-file"})
    # The choice of the private database was made at this terminal; the child has none.
    pid = detach([*kept, *([] if "--embedded" in kept else ["--embedded"])], pid_path, log_path)
    click.echo(f"runner started in the background (pid {pid}); log: {log_path}")


def _without(arguments: list[str], *, flags: set[str], options: set[str]) -> list[str]:
    kept, skip = [], False
    for argument in arguments:
        name, has_value, _ = argument.partition("=")
        if skip or name in flags:
            skip = False
        elif name in options:
            skip = not has_value
        else:
            kept.append(argument)
    return kept


@click.command(epilog="Example: oppspot-runner stop --runner 12 --timeout 60")
@click.option("--runner", "runners", multiple=True, type=int, help="Only this one. Repeatable.")
@click.option("--now", is_flag=True, help="Give running tasks back at once.")
@click.option("--timeout", "timeout_s", type=float, default=60, show_default=True, help="Seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stop(runners: tuple[int, ...], now: bool, timeout_s: float, as_json: bool) -> None:
    """Stop runners, on this host or any other, and wait until they are gone."""
    asyncio.run(_stop(load_settings(), list(runners) or None, now, timeout_s, as_json))


async def _stop(
    settings: Settings, ids: list[int] | None, now: bool, timeout_s: float, as_json: bool
) -> None:
    from oppspot_runner.cli.session import open_running, say
    from oppspot_runner.queue import members, read

    async with open_running(settings) as database:
        asked = (
            []
            if database is None
            else await members.ask(database, "stop_now" if now else "stop", ids)
        )
        left = {row["id"] for row in asked}
        until = time.monotonic() + timeout_s
        while left and database is not None and time.monotonic() < until:
            await asyncio.sleep(EVERY_S)
            left &= {row["id"] for row in await read.runners(database) if row["alive"]}
    stopped = sorted(row["id"] for row in asked if row["id"] not in left)
    await _gone([row["pid"] for row in asked if row["id"] in stopped and is_here(row["host"])])
    say(
        {"stopped": stopped, "still_running": sorted(left)},
        _told(stopped, sorted(left), timeout_s),
        as_json,
    )
    if left:
        sys.exit(1)


def is_here(host: str) -> bool:
    """Whether a runner's host is this one, so that its pid means something."""
    return host == socket.gethostname()


async def _gone(pids: list[int]) -> None:
    """Waits until processes of this host ended: a runner leaves its row a moment before that."""
    from oppspot_runner.cli.background import is_runner

    for _ in range(GONE_LOOKS):
        if not any(is_runner(pid) for pid in pids):
            return
        await asyncio.sleep(EVERY_S / 4)


def _told(stopped: list[int], left: list[int], timeout_s: float) -> str:
    if not stopped and not left:
        return "No runner was running."
    lines = []
    if stopped:
        lines.append(f"Stopped: {', '.join(map(str, stopped))}.")
    if left:
        lines.append(
            f"Still running after {timeout_s:g} s: {', '.join(map(str, left))}. "
            "Run `oppspot-runner stop --now` to give their tasks back at once."
        )
    return " ".join(lines)
