"""The attempts that run, and how many slots they hold.

A batch holds one slot, however many attempts are in it; a task that runs alone holds them all. An
attempt that ended well holds none while its end is written: the next one can be claimed meanwhile.
After an error the next one waits for what that has to say, such as a breaker that opens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import DATABASE_AWAY
from oppspot_runner.runner.attempt import Attempt
from oppspot_runner.runner.batch import Batch, grouped
from oppspot_runner.runner.term import Term
from oppspot_runner.runner.tools import Tools


class Slots:
    """`size` slots. `attempts` is kept by token; `on_end` is called after each of them, `on_room`
    when a slot becomes free and none was."""

    def __init__(
        self,
        size: int,
        attempts: dict[int, Attempt],
        on_end: Callable[[Attempt], None],
        on_room: Callable[[], None],
    ) -> None:
        self.size = size
        self.attempts = attempts
        self.on_end = on_end
        self.on_room = on_room
        self._fault: BaseException | None = None
        self._sharing = 0  # attempts in the slot of another one of their batch
        self._ending = 0  # attempts that hold no slot any more
        self._lonely = 0  # attempts of tasks that run alone
        self._alone = asyncio.Event()
        self._alone.set()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def free(self) -> int:
        """How many calls of agents may begin."""
        return 0 if self._lonely else self.size - len(self.attempts) + self._sharing + self._ending

    async def emptied(self) -> None:
        """Waits until no attempt is left. Raises what ended one by a fault of ours."""
        await self._empty.wait()
        self.check()

    def check(self) -> None:
        """Raises what ended an attempt by a fault of ours."""
        if self._fault is not None:
            raise self._fault

    async def begin(self, tasks: list[Task], tools: Tools, term: Term) -> None:
        """Begins an attempt of each task; of those that run alone, of one."""
        alone = [task for task in tasks if task.runs_alone]
        begun = [task for task in tasks if task not in alone[1:]] if alone else tasks
        for size, together in grouped(tools.registry, begun):
            batch = None if size is None else await self._batch(size, together, tools, term)
            for task in together:
                self._begin(Attempt(task, tools, self._release, self._end, batch))
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

    def _begin(self, attempt: Attempt) -> None:
        runs_alone = attempt.task.runs_alone
        self._lonely += runs_alone
        self._empty.clear()
        self.attempts[attempt.task.run_token] = attempt
        attempt.start(self._alone.wait if runs_alone else None)

    def _release(self, attempt: Attempt) -> None:
        """Takes the slot of an attempt whose good end waits to be written.

        Not more than there are slots: where ends are written slowly, tasks wait in line, not here.
        """
        if attempt.batch is not None or attempt.task.runs_alone or self._ending == self.size:
            return
        had_room = self.free > 0
        attempt.holds_slot = False
        self._ending += 1
        if not had_room:
            self.on_room()

    def _end(self, attempt: Attempt) -> None:
        del self.attempts[attempt.task.run_token]
        self._ending -= not attempt.holds_slot
        self._lonely -= attempt.task.runs_alone
        self._fault = self._fault or attempt.fault
        if attempt.batch is not None and attempt.batch.end_one(attempt.task.run_token):
            self._sharing -= 1
        if len(self.attempts) == 1:
            self._alone.set()
        if not self.attempts:
            self._empty.set()
        self.on_end(attempt)
