"""Writes the ends of attempts, many in one transaction: adaptive group commit.

When nothing is being written, an end is written at once; what ends meanwhile goes together into the
next transaction. One row that Postgres refuses is found by halving and fails alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from oppspot_runner.base.errors import Fail, OppspotError
from oppspot_runner.base.events import BreakerClosed, BreakerOpened
from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import BAD_CONTENT, Connection, Database, is_away
from oppspot_runner.limits import breakers
from oppspot_runner.limits.breakers import AttemptError
from oppspot_runner.queue import store
from oppspot_runner.queue.settlement import Settlement
from oppspot_runner.runner.patience import Patience
from oppspot_runner.workflow import chain

MOST_AT_ONCE = 500
MOST_TEXT = 8 * 1024 * 1024  # characters of results in one transaction: others wait for its end
GIVEN_UP = ("failed", "cancelled")  # whose children end with it
FINAL = ("completed", *GIVEN_UP)
ENDED_BY_SAVE = (
    "save_results ended the transaction that it was given, with COMMIT or ROLLBACK: what it wrote"
    " may stay, so the task is not tried again. Leave the end to the runner;"
    " `async with tx.transaction()` makes a part that can be undone"
)


class SaveRefusedError(OppspotError):
    """An agent's save_results said that it could not save."""


@dataclass(frozen=True)
class Written:
    """The tasks whose ends were written, the agents whose breaker opened or closed by that, and the
    parents of such tasks."""

    ids: set[UUID]
    breakers: dict[UUID, breakers.Change]
    parents: set[UUID]


@dataclass
class _Waiting:
    settlement: Settlement
    tell: Callable[[bool], None]


def batch_size(waiting: Sequence[_Waiting]) -> int:
    """How many of those that wait go into one transaction; at least one."""
    left = MOST_TEXT
    for number, one in enumerate(waiting[:MOST_AT_ONCE]):
        left -= len(one.settlement.output or "")
        if left < 0:
            return max(number, 1)
    return min(len(waiting), MOST_AT_ONCE)


class Settler:
    """Takes settlements, and tells whether the task was still ours."""

    def __init__(self, database: Database, patience: Patience, runner_id: int) -> None:
        self.database = database
        self.patience = patience
        self.runner_id = runner_id
        self._waiting: list[_Waiting] = []
        self._writing: list[_Waiting] = []
        self._more = asyncio.Event()
        self._ended = False

    def settle(self, settlement: Settlement, tell: Callable[[bool], None]) -> None:
        """Writes one end together with others; `tell` hears first whether it was."""
        if self._ended:
            tell(False)
            return
        self._waiting.append(_Waiting(settlement, tell))
        self._more.set()

    async def settle_alone(
        self,
        task: Task,
        save: Callable[[Connection], Awaitable[bool]],
        end: Callable[[], Settlement],
        tell: Callable[[bool], None],
    ) -> None:
        """Writes one end in a transaction of its own, with what `save` writes by it.

        The task's row is locked first: nothing of a lost attempt is even tried. `end` is asked
        after `save`, which may have put into the results what it did. `tell` hears whether the
        end was written before anything follows from it. An exception of
        `save` rolls everything back and is raised; SaveRefusedError when it returned False, Fail
        when it ended the transaction: what it wrote cannot be taken back.
        """
        written = None
        async with self.database.transaction() as connection:
            held = await store.hold(connection, task, self.runner_id)
            if held is not None:
                try:
                    await _saved(connection, save)
                finally:
                    if await store.is_over(connection, held):
                        raise Fail(ENDED_BY_SAVE)
                written = await write(connection, self.runner_id, [end()])
        tell(written is not None)
        if written is not None:
            await self._follow_up(written)

    async def run(self) -> None:
        """Flushes until cancelled. Nothing is written after that, and nobody waits for it."""
        try:
            while True:
                await self._more.wait()
                size = batch_size(self._waiting)
                self._writing, self._waiting = self._waiting[:size], self._waiting[size:]
                if not self._waiting:
                    self._more.clear()
                await self._flush(self._writing)
                self._writing = []
        finally:
            self._ended = True
            for one in self._writing + self._waiting:
                one.tell(False)

    async def _flush(self, batch: list[_Waiting]) -> None:
        settlements = [one.settlement for one in batch]
        try:
            written = await self.patience.through(lambda: self._write(settlements))
        except BAD_CONTENT as error:
            await self._split(batch, error)
            return
        for one in batch:
            one.tell(one.settlement.task.id in written.ids)
        await self._follow_up(written)

    async def _split(self, batch: list[_Waiting], error: Exception) -> None:
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._flush(batch[:middle])
            await self._flush(batch[middle:])
            return
        (one,) = batch
        one.settlement = refused(one.settlement, error)
        await self._flush(batch)

    async def _write(self, settlements: Sequence[Settlement]) -> Written:
        if all(one.status == "completed" and not one.task.is_for_stream for one in settlements):
            # Nothing follows from these ends: one statement, one way there and back.
            async with self.database.connection() as connection:
                settled = await store.finish(connection, self.runner_id, settlements)
                return await _counted(connection, settled, settlements)
        async with self.database.transaction() as connection:
            return await write(connection, self.runner_id, settlements)

    async def _follow_up(self, written: Written) -> None:
        """What is to be done when ends are committed."""
        if written.parents:
            await self.patience.through(lambda: self._wake_parents(written.parents))
        for agent_id, change in written.breakers.items():
            event = BreakerOpened if change == "opened" else BreakerClosed
            self.patience.events.emit(event(agent_id))

    async def _wake_parents(self, parents: set[UUID]) -> int:
        async with self.database.connection() as connection:
            return await store.wake_parents(connection, sorted(parents))


async def _saved(connection: Connection, save: Callable[[Connection], Awaitable[bool]]) -> None:
    """Runs `save`; an outage of anything but `connection` is the agent's error."""
    try:
        saved = await save(connection)
    except (SystemExit, KeyboardInterrupt) as error:
        raise SaveRefusedError(f"save_results raised {type(error).__name__}") from error
    except Exception as error:
        if is_away(error) and not connection.broken:
            raise SaveRefusedError(f"save_results: {type(error).__name__}: {error}") from error
        raise
    if saved is False:
        raise SaveRefusedError("save_results returned False")
    if connection.closed and not connection.broken:
        raise SaveRefusedError("save_results closed the connection that it was given")


async def write(
    connection: Connection, runner_id: int, settlements: Sequence[Settlement]
) -> Written:
    """Writes ends and what follows from them in the connection's transaction."""
    settled = await store.finish(connection, runner_id, settlements)
    await store.cancel_children(connection, [one.id for one in settled if one.status in GIVEN_UP])
    nodes = [
        chain.Settled(one.run_id, one.agent_id, one.status, one.execution_id)
        for one in settled
        if one.run_id and one.agent_id
    ]
    await chain.after(connection, nodes)
    pairs = [(one.stream_id, one.agent_id) for one in settled if one.stream_id and one.agent_id]
    await chain.count_executions(connection, pairs)
    return await _counted(connection, settled, settlements)


async def _counted(
    connection: Connection, settled: Sequence[store.Settled], settlements: Sequence[Settlement]
) -> Written:
    ids = {one.id for one in settled}
    succeeded = {one.agent_id for one in settled if one.status == "completed"}
    errors = [
        AttemptError(one.task.agent.id, one.task.started_at, one.error or "", one.breaker)
        for one in settlements
        if one.breaker is not None
        and one.task.agent is not None
        and one.task.id in ids
        and one.task.agent.id not in succeeded
    ]
    mended = {one.agent_id for one in settled if one.agent_id is not None and one.mends}
    parents = {one.parent_task_id for one in settled if one.parent_task_id and one.status in FINAL}
    return Written(ids, await breakers.count(connection, errors, mended), parents)


def refused(settlement: Settlement, error: Exception) -> Settlement:
    """The end of a task whose result Postgres would not take: failed, with nothing but the reason.

    Raises `error` when that was refused already: then the fault is ours.
    """
    if settlement.metrics is None:
        raise error
    reason = " ".join(str(error).split())[:500].encode("ascii", "replace").decode()
    return replace(
        settlement,
        status="failed",
        execution_status="failed",
        output=None,
        summary=None,
        goal_context=None,
        metrics=None,
        breaker=None,
        until=None,
        delay_s=0.0,
        error=f"the result could not be stored: {reason}",
    )
