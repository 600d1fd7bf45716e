"""The attempts that run, and how many slots they hold.

A batch holds one slot, however many attempts are in it; a task that runs alone holds them all. An
attempt that ended well holds none while its end is written: the next one can be claimed meanwhile.
A delivery of a notification never holds one: there are places for some beside the slots, and nobody
waits for their ends, not even who runs alone.
After an error the next one waits for what that has to say, such as a breaker that opens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import DATABASE_AWAY
from oppspot_runner.queue.handoffs import Adopted
from oppspot_runner.runner.attempt import Attempt
from oppspot_runner.runner.batch import Batch, grouped
from oppspot_runner.runner.term import Term
from oppspot_runner.runner.tools import Tools

MOST_BESIDE = 4  # deliveries: those that hang must not hold up all others


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
        self._beside: set[int] = set()  # the tokens of those that hold no slot
        self._alone = asyncio.Event()
        self._alone.set()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def free(self) -> int:
        """How many calls of agents may begin."""
        busy = self._inside - self._sharing - self._ending
        return 0 if self._lonely else max(self.size - busy, 0)

    @property
    def has_room_beside(self) -> bool:
        """Whether a delivery may begin: few are on, and nobody runs alone."""
        return len(self._beside) < MOST_BESIDE and not self._lonely

    @property
    def _inside(self) -> int:
        return len(self.attempts) - len(self._beside)

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
        if alone and self._inside > 1:
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

    def begin_beside(self, task: Task, tools: Tools) -> None:
        """Begins an attempt that holds no slot. What killed its runner before has its turn too."""
        attempt = Attempt(task, tools, self._release, self._end)
        self._beside.add(task.run_token)
        self._keep(attempt)
        attempt.start(_at_once if task.runs_alone else None)

    def adopt(self, adopted: Adopted, tools: Tools) -> None:
        """Goes on with an attempt of a dead runner, also where no slot is free: it is on already,
        and its body runs elsewhere."""
        self._begin(Attempt(adopted.task, tools, self._release, self._end, adopted=adopted))

    def _begin(self, attempt: Attempt) -> None:
        runs_alone = _runs_alone(attempt)
        self._lonely += runs_alone
        self._keep(attempt)
        attempt.start(self._alone.wait if runs_alone else None)

    def _keep(self, attempt: Attempt) -> None:
        self._empty.clear()
        self.attempts[attempt.task.run_token] = attempt

    def _release(self, attempt: Attempt) -> None:
        """Takes the slot of an attempt whose good end waits to be written.

        Not more than there are slots: where ends are written slowly, tasks wait in line, not here.
        """
        is_kept = attempt.batch is not None or _runs_alone(attempt) or self._is_beside(attempt)
        if is_kept or self._ending == self.size:
            return
        had_room = self.free > 0
        attempt.holds_slot = False
        self._ending += 1
        if not had_room:
            self.on_room()

    def _end(self, attempt: Attempt) -> None:
        del self.attempts[attempt.task.run_token]
        self._ending -= not attempt.holds_slot
        if self._is_beside(attempt):
            self._beside.remove(attempt.task.run_token)
        else:
            self._lonely -= _runs_alone(attempt)
        self._fault = self._fault or attempt.fault
        if attempt.batch is not None and attempt.batch.end_one(attempt.task.run_token):
            self._sharing -= 1
        if self._inside == 1:
            self._alone.set()
        if not self.attempts:
            self._empty.set()
        self.on_end(attempt)

    def _is_beside(self, attempt: Attempt) -> bool:
        return attempt.task.run_token in self._beside


def _runs_alone(attempt: Attempt) -> bool:
    """Whether it waits until all others have ended; one that is on already does not."""
    return attempt.task.runs_alone and attempt.adopted is None


async def _at_once() -> None:
    """The turn of who waits for nobody."""
