"""The attempts that run, and how many slots they hold.

A batch holds one slot, however many attempts are in it; a task that runs alone holds them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import DATABASE_AWAY
from oppspot_runner.runner.attempt import Attempt, Tools
from oppspot_runner.runner.batch import Batch, grouped
from oppspot_runner.runner.term import Term


class Slots:
    """`size` slots. `attempts` is kept by token; `on_end` is called after each."""

    def __init__(
        self, size: int, attempts: dict[int, Attempt], on_end: Callable[[Attempt], None]
    ) -> None:
        self.size = size
        self.attempts = attempts
        self.on_end = on_end
        self._sharing = 0  # attempts in the slot of another one of their batch
        self._alone = asyncio.Event()
        self._alone.set()

    @property
    def free(self) -> int:
        """How many calls of agents may begin."""
        if any(attempt.task.runs_alone for attempt in self.attempts.values()):
            return 0
        return self.size - len(self.attempts) + self._sharing

    async def begin(
        self, group: asyncio.TaskGroup, tasks: list[Task], tools: Tools, term: Term
    ) -> None:
        """Begins an attempt of each task; of those that run alone, of one."""
        alone = [task for task in tasks if task.runs_alone]
        begun = [task for task in tasks if task not in alone[1:]] if alone else tasks
        for size, together in grouped(tools.registry, begun):
            batch = None if size is None else await self._batch(size, together, tools, term)
            for task in together:
                self._begin(group, Attempt(task, tools, batch))
        if alone and len(self.attempts) > 1:
            self._alone.clear()
        if alone[1:]:
            await term.give_back([task.run_token for task in alone[1:]])

    async def _batch(self, size: int, together: list[Task], tools: Tools, term: Term) -> Batch:
        """A batch of the tasks `together`, to which is added what else of their lane is due."""
        if len(together) < size:
            with suppress(*DATABASE_AWAY):  # then it is a smaller one
                async with tools.database.connection() as connection:
                    claim = term.claimer.claim_beside
                    together += await claim(connection, together[0], size - len(together))
        self._sharing += len(together) - 1
        return Batch([task.run_token for task in together])

    def _begin(self, group: asyncio.TaskGroup, attempt: Attempt) -> None:
        turn = self._alone.wait if attempt.task.runs_alone else None
        self.attempts[attempt.task.run_token] = attempt
        running = group.create_task(attempt.run(turn), name=f"task {attempt.task.id}")
        # Not by a `finally` inside: one that is cancelled before its first step never gets there.
        running.add_done_callback(lambda _: self._end(attempt))

    def _end(self, attempt: Attempt) -> None:
        del self.attempts[attempt.task.run_token]
        if attempt.batch is not None and attempt.batch.end_one(attempt.task.run_token):
            self._sharing -= 1
        if len(self.attempts) == 1:
            self._alone.set()
        self.on_end(attempt)
