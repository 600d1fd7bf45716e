"""`start`: the daemon, in the foreground or detached."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click


@click.command(epilog="Example: oppspot-runner start --concurrency 5 --import myproject.agents")
@click.option("--detach", is_flag=True, help="Go to the background once the runner takes tasks.")
@click.option("--concurrency", type=int, help="Agents at the same time (default 3).")
@click.option("--poll-interval", type=float, help="Seconds between two looks for work (5).")
@click.option("--task-type", "task_types", multiple=True, help="Serve only this type. Repeatable.")
@click.option("--labels", help="What this runner offers, as gpu,eu: see the guide to fleets.")
@click.option(
    "--import", "import_", multiple=True, help="Python modules with agents, as a,b. Repeatable."
)
@click.option("--http", help="Serve HTTP too, at HOST:PORT or a port of this machine.")
@click.option("--open-access", is_flag=True, default=None, help="HTTP: all may do everything.")
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
    from oppspot_runner.app.database import embedded_folder, given_dsn, require_choice
    from oppspot_runner.cli.session import import_from_here, load_with, warn_of_unknown

    settings = load_with(**flags)
    interactive = sys.stdin.isatty() or sys.stderr.isatty()
    require_choice(settings, embedded_asked=embedded, interactive=interactive)
    if detach:
        warn_of_unknown()
        if given_dsn(settings) is None and not (folder := embedded_folder(settings)).exists():
            click.echo(f"making the private Postgres in {folder}: some seconds", err=True)
        _detach(pid_file, log_file)
        return
    from oppspot_runner.cli.foreground import serve
    from oppspot_runner.cli.leaving import leave_process

    import_from_here()
    served = serve(
        settings, migrate_first=not no_migrate, drain_and_exit=drain_and_exit, ready_fd=ready_fd
    )
    with asyncio.Runner() as runner:
        try:
            runner.run(served)
        except SystemExit:
            # From here on the loop would wait for tasks of which it has just lost hold.
            leave_process("code in the event loop called exit()", again=True)


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
