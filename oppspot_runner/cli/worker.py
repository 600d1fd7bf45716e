"""A process that serves HTTP for its parent: started, and started again when it dies."""

from __future__ import annotations

import asyncio
import os
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog

from oppspot_runner.app.database import embedded_folder, given_dsn
from oppspot_runner.base.settings import Settings
from oppspot_runner.cli.program import program

MOST_ENDING_S = 10.0  # for a worker that was told to end
LIVED_WELL_S = 30.0
LEAST_PAUSE_S = 0.5
MOST_PAUSE_S = 30.0


def serve_command(settings: Settings, *files: str) -> list[str]:
    """The command of a worker; `files` tell it what it has from its parent."""
    modules = [word for module in settings.import_ for word in ("--import", module)]
    access = ["--open-access"] if settings.open_access else []
    given = ["--no-migrate", "--embedded", "--log-level", settings.log_level, *modules, *access]
    return program("serve", *given, *files)


def worker_environment(settings: Settings) -> dict[str, str]:
    """The environment of a worker. It uses the database that its parent uses, whatever was written
    to `.env` since, and whatever an imported module made of the environment and the folder."""
    dsn, direct = given_dsn(settings), settings.direct_url
    given = {
        "DATABASE_URL": dsn or "",
        "OPPSPOT_DIRECT_URL": direct.get_secret_value() if direct is not None else "",
        "OPPSPOT_SCHEMA": settings.schema_name,
    }
    if dsn is None:
        given["OPPSPOT_EMBEDDED_FOLDER"] = str(embedded_folder(settings).absolute())
    return {**os.environ, **given}


class Worker:
    """How a worker is started, and started again. `options` are those of asyncio's subprocess."""

    def __init__(self, command: list[str], **options: Any) -> None:
        self.command = command
        self.options = options

    async def keep(self, stopped: asyncio.Event) -> None:
        """Keeps one alive until `stopped`, then ends it."""
        pause_s = LEAST_PAUSE_S
        while not stopped.is_set():
            started_at = time.monotonic()
            died_of = await self._live(stopped)
            if died_of is None:
                return
            has_lived_well = time.monotonic() - started_at > LIVED_WELL_S
            pause_s = LEAST_PAUSE_S if has_lived_well else min(pause_s * 2, MOST_PAUSE_S)
            structlog.get_logger().error(
                "a worker ended: another one takes its place", **died_of, in_s=pause_s
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await stopped.wait()

    async def _live(self, stopped: asyncio.Event) -> dict[str, Any] | None:
        """One worker's life; what it died of, or None when it was stopped."""
        try:
            async with self.started() as process:
                if not await _outlived(process, stopped):
                    return None
            return {"worker": process.pid, "exit_code": process.returncode}
        except (OSError, RuntimeError) as error:  # no memory, file or thread is left for another
            return {"error": str(error)}

    @asynccontextmanager
    async def started(self) -> AsyncIterator[Process]:
        """A worker that begins."""
        yield await asyncio.create_subprocess_exec(*self.command, **self.options)


async def _outlived(process: Process, stopped: asyncio.Event) -> bool:
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
