"""Processes that serve HTTP: alone, several on one socket, or as the child of a runner."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import structlog

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.opening import open_doors, require_tokens
from oppspot_runner.api.serving import (
    MOST_CONNECTIONS,
    PATIENCE_S,
    STATEMENT_S,
    serving,
    state_on,
)
from oppspot_runner.app.daemon import stop_signals
from oppspot_runner.app.database import opened
from oppspot_runner.app.runner_report import report_line
from oppspot_runner.app.wiring import load_agents
from oppspot_runner.base.settings import Settings, unknown_variables
from oppspot_runner.cli.orphan import ParentWatch
from oppspot_runner.cli.worker import Worker, serve_command, worker_environment
from oppspot_runner.db.migrate import migrate, require_schema
from oppspot_runner.db.pool import Database
from oppspot_runner.observe import logging, systemd

FAILED = 1
AFTER_TASKS = 10  # where processors are short, what comes from tasks goes first
BESIDE: Mapping[str, Any] = {  # how a worker of a runner uses the database
    "max_size": MOST_CONNECTIONS,
    "patience_s": PATIENCE_S,
    "statement_timeout_s": STATEMENT_S,
    "application": "oppspot-runner-http",
}


async def serve_here(
    settings: Settings,
    listening: socket.socket,
    *,
    migrate_first: bool,
    life_fd: int | None,
    watch: ParentWatch,
) -> int:
    """Serves until a signal, or until the parent is gone that holds the other end of `life_fd`.

    Returns the exit code.
    """
    _begin(settings)
    failed = False

    def fail() -> None:
        nonlocal failed
        failed = True
        stopped.set()

    stopped = asyncio.Event()
    with _signals(stopped.set):
        if life_fd is not None:
            asyncio.get_running_loop().add_reader(life_fd, stopped.set)
        async with opened(settings, max_size=MOST_CONNECTIONS, patience_s=PATIENCE_S) as database:
            state = state_on(database, settings, registry)
            async with serving(state, listening, on_fault=fail):
                await _prepare(database, migrate_first)
                await open_doors(state, listening)
                state.begin()
                gc.freeze()  # what is there already stays
                if life_fd is None:
                    systemd.notify("READY=1\nSTATUS=HTTP is served")
                watch.ends_itself()
                await stopped.wait()
                if life_fd is None:
                    systemd.notify("STOPPING=1")
    return FAILED if failed else 0


async def serve_beside(
    settings: Settings, listening: socket.socket, line: socket.socket, watch: ParentWatch
) -> int:
    """Serves until the runner at the other end of `line` is gone, or a signal comes.

    Returns the exit code.
    """
    os.nice(AFTER_TASKS)
    logging.set_up(settings.log, settings.log_level)
    load_agents(registry, settings)  # the runner says what was left out
    failed = False

    def fail() -> None:
        nonlocal failed
        failed = True
        runner.give_up()

    async with report_line(line) as runner, opened(settings, **BESIDE) as database:
        state = state_on(database, settings, registry)
        with _signals(runner.give_up):
            async with serving(state, listening, on_fault=fail):
                watch.ends_itself()
                with suppress(EOFError):
                    await runner.ask()  # answered when the schema is right
                    await open_doors(state, listening)
                    state.begin(runner)
                    gc.freeze()  # what is there already stays
                await runner.gone.wait()
    return FAILED if failed else 0


async def serve_with_workers(
    settings: Settings, listening: socket.socket, count: int, *, migrate_first: bool
) -> int:
    """Keeps so many workers alive on one socket until a signal. Returns the exit code."""
    _begin(settings)
    async with opened(settings) as database:
        await _prepare(database, migrate_first)
        await require_tokens(database, settings, listening)
        # Its end, however it comes, is the end of what this process keeps open.
        life, held = os.pipe()
        files = listening.fileno(), life
        command = serve_command(settings, "--socket-fd", str(files[0]), "--life-fd", str(life))
        worker = Worker(command, pass_fds=files, env=worker_environment(settings))
        stopped = asyncio.Event()
        with _signals(stopped.set):
            async with asyncio.TaskGroup() as group:
                for _ in range(count):
                    group.create_task(worker.keep(stopped))
                # What comes before the first worker is ready waits in the socket.
                systemd.notify(f"READY=1\nSTATUS=HTTP is served by {count} workers")
                await stopped.wait()
                systemd.notify("STOPPING=1")
                listening.close()
        os.close(held)
    return 0


def _begin(settings: Settings) -> None:
    logging.set_up(settings.log, settings.log_level)
    log = structlog.get_logger()
    for name, near in unknown_variables().items():
        log.warning("a setting means nothing", name=name, nearest=near)
    for problem in load_agents(registry, settings):
        log.warning("an installed agent or tool was left out", problem=problem)


async def _prepare(database: Database, migrate_first: bool) -> None:
    if migrate_first:
        for name in await migrate(database):
            structlog.get_logger().info("migration applied", migration=name)
    await require_schema(database)


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` for each signal that ends us."""
    loop = asyncio.get_running_loop()
    signals = stop_signals()
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
