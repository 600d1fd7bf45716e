"""Gathers notifications, and has them delivered beside the slots, a few at a time in each runner.

A mail server that hangs so holds up other deliveries at most, and no task. Nothing that goes wrong
here may end the runner: it is told once, and tried again with the next poll.
"""

from __future__ import annotations

from collections.abc import Callable

from oppspot_runner.base.events import EventBus, NotificationsFailed
from oppspot_runner.base.redact import redact
from oppspot_runner.base.task import NOTIFICATION, Task
from oppspot_runner.db.pool import Database
from oppspot_runner.notifications import gathering
from oppspot_runner.notifications.gathering import Look
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.runner.patience import Patience
from oppspot_runner.runner.wakeup import Wakeup

NEVER = float("inf")
GAP_S = 0.05
MOST_ROUNDS = 20  # of 1,000 events, before deliveries get their turn


class Courier:
    """Works when the poll finds something to do, and when a message is due. `deliver` begins a
    delivery; it is called while `has_room()` says that few are on."""

    def __init__(
        self,
        database: Database,
        patience: Patience,
        events: EventBus,
        *,
        config: RunnerConfig,
        runner_id: int,
        has_room: Callable[[], bool],
        deliver: Callable[[Task], None],
    ) -> None:
        self.database = database
        self.patience = patience
        self.events = events
        self.serves = not config.task_types or NOTIFICATION in config.task_types
        self.claimer = Claimer(runner_id, beside_slots=True)
        self.has_room = has_room
        self.deliver = deliver
        self._look = Wakeup()
        self._due_s = NEVER
        self._fault = ""

    def look(self) -> None:
        """Looks soon: a delivery has ended."""
        self._look.set()

    def told(self, seen: Look) -> None:
        """What the poll saw."""
        if seen.is_to_gather or seen.ready:
            self._look.set()

    async def run(self) -> None:
        """Gathers and delivers until cancelled."""
        while True:
            await self._look.wait(max(self._due_s, GAP_S))
            self._due_s = NEVER
            try:
                await self.patience.through(self.once)
                self._fault = ""
            except Exception as error:  # noqa: BLE001 - the work goes on without notifications
                self._tell(f"{type(error).__name__}: {error}")

    async def once(self) -> None:
        """Gathers what happened, and begins the deliveries that are due."""
        seen = await self._seen()
        for _ in range(MOST_ROUNDS):
            if not seen.is_to_gather:
                break
            await gathering.gather(self.database)
            seen = await self._seen()
        self._due_s = NEVER if seen.due_s is None else seen.due_s
        if not self.serves:
            return
        while seen.ready and self.has_room() and await self._claim():
            seen = await self._seen()

    async def _seen(self) -> Look:
        async with self.database.connection() as connection:
            return await gathering.look(connection)

    async def _claim(self) -> bool:
        async with self.database.connection() as connection:
            claimed = await self.claimer.claim(connection, 1)
        for task in claimed.tasks:
            self.deliver(task)
        return bool(claimed.tasks)

    def _tell(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            self.events.emit(NotificationsFailed(str(redact(" ".join(fault.split())))))
