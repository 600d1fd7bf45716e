"""Names the agent that holds up the event loop, and in the end saves the other tasks from it.

All of this runs in the thread of `LoopWatch`, because the loop does not move: what it reads of the
runner it only reads, and the database it reaches by a connection and a loop of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog

from oppspot_runner.base.events import EventBus, LoopStoodStill
from oppspot_runner.base.outcome import Release
from oppspot_runner.db.pool import DATABASE_AWAY, Database
from oppspot_runner.queue import handoffs, members, store
from oppspot_runner.runner.attempt import Attempt
from oppspot_runner.runner.loopwatch import LoopWatch, Standstill
from oppspot_runner.runner.settler import write

EACH_S = 2.0  # for one task: somebody else may have its row locked


class Watchdog:
    """Watches the loop of a runner. `leave(reason)` ends the process if that is possible."""

    def __init__(
        self,
        database: Database,
        events: EventBus,
        *,
        limit_s: Callable[[], float],
        attempts: Callable[[], Iterable[Attempt]],
        runner_id: Callable[[], int],
        leave: Callable[[str], None],
    ) -> None:
        self.database = database
        self.events = events
        self.attempts = attempts
        self.runner_id = runner_id
        self.leave = leave
        self.watch = LoopWatch(
            limit_s=limit_s,
            on_standstill=self._blame,
            on_limit=self._part,
            on_moving=lambda seconds: events.emit(LoopStoodStill(runner_id(), seconds)),
        )

    def suspects(self, standstill: Standstill) -> list[Attempt]:
        """The attempt that the loop is in; where that cannot be seen, all that run in the loop."""
        there = [one for one in list(self.attempts()) if one.in_loop]
        return [one for one in there if one.is_run_by(standstill.task)] or there

    def _blame(self, standstill: Standstill) -> None:
        suspects = self.suspects(standstill)
        told = {"seconds": standstill.seconds, "where": standstill.where}
        if len(suspects) == 1:
            log = suspects[0].tools.log(suspects[0].task, None)
            log.warning("the agent blocks the event loop", **told)
            return
        log = structlog.get_logger()
        tasks = [str(one.task.id) for one in suspects]
        log.warning("something blocks the event loop", runner=self.runner_id(), tasks=tasks, **told)

    def _part(self, standstill: Standstill) -> bool:
        """Gives the other tasks back and ends the lease, so that somebody takes them at once. What
        is left in our name is charged a crash by whoever rescues it.

        False while the database is away: nothing can be given back, and a new process could not
        start. Meanwhile the loop may move again.
        """
        log = structlog.get_logger().bind(runner=self.runner_id())
        seconds = f"{standstill.seconds:g} s"
        suspects = self.suspects(standstill)
        others = [one for one in list(self.attempts()) if one not in suspects]
        try:
            asyncio.run(self._hand_over(suspects, others, seconds, standstill.where))
        except DATABASE_AWAY:
            return False
        except Exception as error:  # noqa: BLE001 - the loop is blocked all the same
            log.error("not everything could be given back", error=repr(error))  # noqa: TRY400
        log.error(
            "the event loop is blocked: other tasks were given back, the lease has ended",
            seconds=standstill.seconds,
            blamed=[str(one.task.id) for one in suspects],
            given_back=[str(one.task.id) for one in others],
        )
        self.leave(f"the event loop was blocked for {seconds}")
        return True

    async def _hand_over(
        self, suspects: list[Attempt], others: list[Attempt], seconds: str, where: str
    ) -> None:
        runner_id = self.runner_id()
        innocent = Release(f"the event loop of its runner was blocked for {seconds}")
        guilty = f"it blocked the event loop of its runner for {seconds}: {where}"
        self.database.cut_all()  # what the loop was writing holds locks that we would wait for
        async with await self.database.connect() as connection:
            left = await handoffs.leave(connection, runner_id)
            for one in others:
                if one.task.run_token in left:
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(EACH_S), connection.transaction():
                        await write(connection, runner_id, [one.end_for(innocent)])
            for one in suspects:
                with suppress(TimeoutError):
                    async with asyncio.timeout(EACH_S):
                        await store.blame(connection, one.task, guilty)
            await members.leave(connection, runner_id)
