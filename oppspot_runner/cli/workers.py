"""Processes that serve HTTP alone: one, or several that are kept alive by a parent."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from oppspot_runner.agents.registry import registry
from oppspot_runner.api.opening import open_doors, require_tokens
from oppspot_runner.api.serving import MOST_CONNECTIONS, PATIENCE_S, serving, state_on
from oppspot_runner.app.daemon import stop_signals
from oppspot_runner.app.database import opened
from oppspot_runner.app.wiring import load_agents
from oppspot_runner.base.settings import Settings, unknown_variables
from oppspot_runner.db.migrate import migrate, require_schema
from oppspot_runner.db.pool import Database
from oppspot_runner.observe import logging, systemd

FAILED = 1
MOST_ENDING_S = 10.0  # for a worker that was told to end
LIVED_WELL_S = 30.0
LEAST_PAUSE_S = 0.5
MOST_PAUSE_S = 30.0


async def serve_here(
    settings: Settings, listening: socket.socket, *, migrate_first: bool, life_fd: int | None
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

    with _until_stopped() as stopped:
        if life_fd is not None:
            asyncio.get_running_loop().add_reader(life_fd, stopped.set)
        async with opened(settings, max_size=MOST_CONNECTIONS, patience_s=PATIENCE_S) as database:
            state = state_on(database, settings, registry)
            async with serving(state, listening, on_fault=fail):
                await _prepare(database, migrate_first)
                await open_doors(state, listening)
                state.begin(None)
                if life_fd is None:
                    systemd.notify("READY=1\nSTATUS=HTTP is served")
                await stopped.wait()
                if life_fd is None:
                    systemd.notify("STOPPING=1")
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
        worker = Worker(_command(settings, listening, life), (listening.fileno(), life))
        with _until_stopped() as stopped:
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
def _until_stopped() -> Iterator[asyncio.Event]:
    """An event that the first signal sets that ends us."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = stop_signals()
    for number in signals:
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _command(settings: Settings, listening: socket.socket, life: int) -> list[str]:
    modules = [word for module in settings.import_ for word in ("--import", module)]
    access = ["--open-access"] if settings.open_access else []
    given = ["--no-migrate", "--embedded", "--log-level", settings.log_level, *modules, *access]
    files = ["--socket-fd", str(listening.fileno()), "--life-fd", str(life)]
    return [sys.executable, "-m", "oppspot_runner", "serve", *given, *files]


class Worker:
    """How a worker is started, and started again."""

    def __init__(self, command: list[str], files: tuple[int, ...]) -> None:
        self._command = command
        self._files = files

    async def keep(self, stopped: asyncio.Event) -> None:
        """Keeps one alive until `stopped`, then ends it."""
        pause_s = LEAST_PAUSE_S
        while not stopped.is_set():
            started_at = time.monotonic()
            process = await asyncio.create_subprocess_exec(*self._command, pass_fds=self._files)
            if not await self._outlived(process, stopped):
                return
            has_lived_well = time.monotonic() - started_at > LIVED_WELL_S
            pause_s = LEAST_PAUSE_S if has_lived_well else min(pause_s * 2, MOST_PAUSE_S)
            structlog.get_logger().error(
                "a worker ended: another one takes its place",
                worker=process.pid,
                exit_code=process.returncode,
                in_s=pause_s,
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await stopped.wait()

    async def _outlived(self, process: Process, stopped: asyncio.Event) -> bool:
        """Whether `process` ended before it was to; else it has ended now."""
        loop = asyncio.get_running_loop()
        ended, asked = loop.create_task(process.wait()), loop.create_task(stopped.wait())
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            asked.cancel()
            return True
        with suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait({ended}, timeout=MOST_ENDING_S)
        if not ended.done():
            process.kill()
        await ended
        return False
