"""Waits for a database that is away: jittered back-off, one report when it goes and one after."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_never,
    wait_random_exponential,
)

from oppspot_runner.base.events import DatabaseAway, DatabaseBack, EventBus
from oppspot_runner.db.pool import DATABASE_AWAY

R = TypeVar("R")

FIRST_WAIT_S = 0.2
MOST_WAIT_S = 5.0


class Patience:
    """Repeats what fails because the database is away. Shared by all services of a runner, so
    that one outage is one pair of log lines however many of them notice it.
    """

    def __init__(self, events: EventBus) -> None:
        self.events = events
        self._away_since: float | None = None

    async def through(
        self, call: Callable[[], Awaitable[R]], *, give_up: Callable[[], bool] | None = None
    ) -> R:
        """The result of `call`, repeated until the database answers; other errors are raised.

        When `give_up()` is true after a failure, that failure is raised too.
        """
        try:
            return await call()
        except DATABASE_AWAY as error:
            self._note_away(error)
            if give_up is not None and give_up():
                raise
        result: R = await self._retrying(give_up)(_coroutine(call))
        self._note_back()
        return result

    def _retrying(self, give_up: Callable[[], bool] | None) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception_type(DATABASE_AWAY),
            wait=wait_random_exponential(multiplier=FIRST_WAIT_S, max=MOST_WAIT_S),
            stop=stop_never if give_up is None else lambda _: give_up(),
            reraise=True,
        )

    def _note_away(self, error: BaseException) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            self.events.emit(DatabaseAway(" ".join(str(error).split())))

    def _note_back(self) -> None:
        if self._away_since is not None:
            away_s = time.monotonic() - self._away_since
            self._away_since = None
            self.events.emit(DatabaseBack(away_s))


def _coroutine(call: Callable[[], Awaitable[R]]) -> Callable[[], Coroutine[None, None, R]]:
    async def once() -> R:
        return await call()

    return once
