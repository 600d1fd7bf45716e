"""A runner inside somebody's application: `start_task_runner()` and `stop_task_runner()`.

It shares the application's event loop and leaves its signals alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from oppspot_runner.agents.registry import registry
from oppspot_runner.app.database import given_dsn
from oppspot_runner.app.wiring import build_runner, load_agents, runner_config
from oppspot_runner.base.errors import ConfigurationError, ConflictError
from oppspot_runner.base.settings import Settings, load_settings
from oppspot_runner.db.migrate import require_schema
from oppspot_runner.db.pool import Database
from oppspot_runner.runner.loop import Runner


@dataclass
class _Running:
    runner: Runner
    database: Database
    task: asyncio.Task[None]


_running: _Running | None = None


async def start_task_runner(settings: Settings | None = None) -> Runner:
    """Starts a runner in this event loop and returns at once.

    Uses DATABASE_URL and the other settings of the environment unless `settings` is given. The
    schema must be up to date (SchemaError). Raises ConflictError when one is running already.
    """
    global _running
    if _running is not None and not _running.task.done():
        raise ConflictError("a task runner is running in this process already")
    chosen = settings or load_settings()
    dsn = given_dsn(chosen)
    if dsn is None:
        raise ConfigurationError(
            "start_task_runner() needs a database", hint="Set DATABASE_URL, or pass settings."
        )
    load_agents(registry, chosen)
    config = runner_config(chosen)
    database = Database(
        dsn,
        schema=chosen.schema_name,
        max_size=config.connections,
    )
    await database.open()
    try:
        await require_schema(database)
    except BaseException:
        await database.close()
        raise
    runner = build_runner(database, config, settings=chosen)
    task = asyncio.get_running_loop().create_task(_run(runner, database))
    _running = _Running(runner, database, task)
    return runner


async def stop_task_runner(*, now: bool = False) -> None:
    """Stops the runner of this process: running tasks may end, or with `now` are given back.

    Harmless when none is running. Raises what ended the runner, if that was a fault.
    """
    global _running
    running, _running = _running, None
    if running is None:
        return
    running.runner.stop()
    if now:
        running.runner.stop()
    await running.task


async def _run(runner: Runner, database: Database) -> None:
    try:
        await runner.run()
    finally:
        await database.close()
