"""`serve`: HTTP without a runner, in one process or in several on one socket."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import click

ANYWHERE = "127.0.0.1:8080"
MOST_WORKERS = 64


@click.command(epilog="Example: oppspot-runner serve --http 127.0.0.1:8080 --workers 2")
@click.option("--http", help=f"HOST:PORT, or a port of this machine (default {ANYWHERE}).")
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    default=1,
    show_default=True,
    help="Processes that share the requests.",
)
@click.option("--open-access", is_flag=True, default=None, help="All may do everything.")
@click.option(
    "--import", "import_", multiple=True, help="Python modules with agents, as a,b. Repeatable."
)
@click.option("--no-migrate", is_flag=True, help="Do not touch the schema; refuse an old one.")
@click.option("--embedded", is_flag=True, help="Use the private Postgres, also as a service.")
@click.option("--log-level", help="debug, info, warning or error (default info).")
@click.option("--socket-fd", type=int, hidden=True)
@click.option("--life-fd", type=int, hidden=True)
@click.option("--runner-fd", type=int, hidden=True)
def serve(
    workers: int,
    no_migrate: bool,
    embedded: bool,
    socket_fd: int | None,
    life_fd: int | None,
    runner_fd: int | None,
    **flags: Any,
) -> int:
    """Serve HTTP alone: the interface for programs, the dashboard, metrics.

    Runs no tasks: runners do, in other processes or on other hosts. `start --http` does both.
    """
    from oppspot_runner.cli.orphan import ParentWatch

    watch = ParentWatch(life_fd if runner_fd is None else runner_fd)
    from oppspot_runner.app.database import require_choice
    from oppspot_runner.cli.http import listen_at, require_extra
    from oppspot_runner.cli.session import import_from_here, load_with

    require_extra()
    from oppspot_runner.cli.workers import serve_beside, serve_here, serve_with_workers

    settings = load_with(**flags)
    import_from_here()
    interactive = sys.stdin.isatty() or sys.stderr.isatty()
    require_choice(settings, embedded_asked=embedded, interactive=interactive)
    if socket_fd is not None:  # one of several workers
        listening = socket.socket(fileno=socket_fd)
    else:
        listening = listen_at(settings.http or ANYWHERE)
    if runner_fd is not None:
        served = serve_beside(settings, listening, socket.socket(fileno=runner_fd), watch)
    elif workers == 1:
        served = serve_here(
            settings, listening, migrate_first=not no_migrate, life_fd=life_fd, watch=watch
        )
    else:
        served = serve_with_workers(settings, listening, workers, migrate_first=not no_migrate)
    return asyncio.run(served)
