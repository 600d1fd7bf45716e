"""The end of a runner: what it waits for, gives back, and leaves to the next one."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from typing import Protocol

from oppspot_runner.backends.places import Places
from oppspot_runner.base.outcome import Release
from oppspot_runner.db.pool import DATABASE_AWAY, Database
from oppspot_runner.queue import handoffs
from oppspot_runner.runner.attempt import Attempt
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.runner.wakeup import Wakeup

LEFT = "the runner stops; its body runs elsewhere, and the next runner goes on with it"


class Leaving(Protocol):
    """The runner, as far as its end knows it."""

    config: RunnerConfig
    database: Database
    wakeup: Wakeup
    places: Places
    attempts: dict[int, Attempt]
    stop_asked: int

    @property
    def runner_id(self) -> int: ...


async def drain(runner: Leaving) -> None:
    """Waits for running tasks, at most the grace time; then gives them back, but for those whose
    bodies run elsewhere: the next runner goes on with them."""
    until = time.monotonic() + runner.config.grace_s
    while runner.attempts and runner.stop_asked < 2 and time.monotonic() < until:
        await runner.wakeup.wait(until - time.monotonic())
    left = await _leave_bodies(runner) if runner.attempts and runner.places.outside() else ()
    for token, attempt in list(runner.attempts.items()):
        if token in left:
            attempt.lose(LEFT)
        else:
            attempt.end_with(Release("the runner is stopping"))


async def _leave_bodies(runner: Leaving) -> Collection[int]:
    with suppress(*DATABASE_AWAY):  # the lease runs out by itself
        async with runner.database.connection() as connection:
            return await handoffs.leave(connection, runner.runner_id)
    return ()
