"""The daemon in this process: from settings to the exit code."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from dataclasses import replace

import structlog

from oppspot_runner.agents.registry import registry
from oppspot_runner.app.daemon import Daemon
from oppspot_runner.app.database import opened
from oppspot_runner.app.wiring import build_runner, load_agents, runner_config
from oppspot_runner.base.garbage import collect_rarely
from oppspot_runner.base.settings import Settings, unknown_variables
from oppspot_runner.cli.http import http_beside, listen_at
from oppspot_runner.cli.leaving import leave_process
from oppspot_runner.db.migrate import migrate, require_schema
from oppspot_runner.observe import logging


async def serve(
    settings: Settings, *, migrate_first: bool, drain_and_exit: bool, ready_fd: int | None
) -> None:
    """Runs the daemon until it is stopped; one that has to be renewed starts anew.

    Leaves the process at once when agents that ignore their cancellation would keep it alive:
    their tasks were given back, and the fence keeps them from writing.
    """
    logging.set_up(settings.log, settings.log_level)
    log = structlog.get_logger()
    for name, near in unknown_variables().items():
        log.warning("a setting means nothing", name=name, nearest=near)
    for problem in load_agents(registry, settings):
        log.warning("an installed agent or tool was left out", problem=problem)
    config = replace(runner_config(settings), drain_and_exit=drain_and_exit)
    listening = listen_at(settings.http) if settings.http else None
    async with (
        opened(settings, max_size=config.connections) as database,
        http_beside(settings, database, listening) as begin_http,
    ):
        if migrate_first:
            for name in await migrate(database):
                log.info("migration applied", migration=name)
        await require_schema(database)
        runner = build_runner(database, config, leave=leave_process, settings=settings)
        await begin_http(runner)
        collect_rarely()
        gc.freeze()  # what is there already stays
        await Daemon(runner, on_ready=lambda: _tell_parent(ready_fd)).run()
    if runner.renewal is not None:
        leave_process(runner.renewal, again=True)
    if runner.hanging:
        log.warning("agents that were cut off still run: they end now", count=runner.hanging)
        sys.stderr.flush()
        os._exit(0)


def _tell_parent(ready_fd: int | None) -> None:
    if ready_fd is not None:
        with suppress(OSError):  # the parent may have been interrupted
            os.write(ready_fd, b"ready\n")
            os.close(ready_fd)
