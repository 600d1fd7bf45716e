"""Duties that any runner does for all: due tasks get in line, schedules fire, dead runners' tasks
come back, old rows go. Every statement is bounded and harmless when several do it at once, so none
is a leader.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from oppspot_runner.base.events import EventBus, ScheduleStopped, TasksRescued
from oppspot_runner.db.pool import BAD_CONTENT, TOOK_TOO_LONG, Connection, Database
from oppspot_runner.limits import budgets
from oppspot_runner.notifications import gathering
from oppspot_runner.queue import claiming, handoffs, members, store, tool_calls
from oppspot_runner.queue.handoffs import Adopted
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.runner.patience import Patience
from oppspot_runner.runner.wakeup import Wakeup, jittered
from oppspot_runner.scheduler import ticking
from oppspot_runner.streams.forgetting import prune_people
from oppspot_runner.streams.signal_decisions import prune_signals
from oppspot_runner.workflow import chain

NEVER = float("inf")
HELD_S = 1.0  # what is due and held by somebody else is looked at so much later
GAP_S = 0.05  # a burst of INSERTs must not become a burst of looks for due rows
SOON_S = 0.02  # the claim that an INSERT woke goes first
PRUNE_EVERY_S = 600.0
PRUNE_CHUNKS = 20


@dataclass(frozen=True)
class Polled:
    """What a poll found, and in how many seconds the next one is to come."""

    wait_s: float
    rescued: Sequence[store.Rescued] = ()
    adopted: Sequence[Adopted] = ()
    has_work: bool = False


NOTHING = Polled(NEVER)


class Maintenance:
    """Promotes and rescues at least once a poll, and at the very time when something is due.

    Its look is the poll for ready rows too, so that an idle runner asks once: `on_work` claims.
    `on_look` is told what there is to do for notifications; `adopt` goes on with attempts of dead
    runners whose bodies are with one of the backends that `adopts()` names.
    """

    def __init__(
        self,
        database: Database,
        patience: Patience,
        events: EventBus,
        *,
        config: RunnerConfig,
        runner_id: int,
        on_work: Callable[[], None],
        on_look: Callable[[gathering.Look], None],
        adopts: Callable[[], Collection[str]],
        adopt: Callable[[Adopted], None],
    ) -> None:
        self.database = database
        self.patience = patience
        self.events = events
        self.runner_id = runner_id
        self.config = config
        self.on_work = on_work
        self.on_look = on_look
        self.adopts = adopts
        self.adopt = adopt
        self._look = Wakeup()
        self._soon: asyncio.TimerHandle | None = None
        self._poll_at = 0.0
        self._poll_asked = False
        self._freed_keys: set[str] = set()
        self._seen_key = ""

    def look(self, freed_key: str | None = None) -> None:
        """Looks soon: something may be due earlier than was known, or a task of a key ended."""
        if freed_key is not None:
            self._freed_keys.add(freed_key)
        self._look.set()

    def poll(self) -> None:
        """Polls soon, whenever its time is: what tasks wait for may have come."""
        self._poll_asked = True
        self._look.set()

    def look_soon(self) -> None:
        """Looks once for all that is told within a moment, and out of the way of its claim."""
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(SOON_S, self._look_now)

    def _look_now(self) -> None:
        self._soon = None
        self._look.set()

    async def run(self) -> None:
        """Looks for due and lost tasks until cancelled."""
        while True:
            await self._look.wait(max(await self.once(), GAP_S))

    async def once(self) -> float:
        """Does what there is to do; seconds until something is again."""
        wait_s, tick_s = await self.patience.through(self._arrange)
        if tick_s <= 0:
            tick_s = await self.patience.through(self._tick)
        if self._freed_keys:
            await self.patience.through(self._arrange_freed_keys)
        return GAP_S if self._freed_keys else min(wait_s, tick_s)

    async def _arrange_freed_keys(self) -> None:
        # A key may be freed again while we ask; and if that fails, all are to be asked for again.
        keys, self._freed_keys = self._freed_keys, set()
        left = keys
        try:
            async with self.database.connection() as connection:
                moved, busy = await claiming.arrange_keys(connection, sorted(keys))
            left = set(busy)
        finally:
            self._freed_keys |= left
        if moved:
            self.on_work()

    async def _arrange(self) -> tuple[float, float]:
        """Seconds until something is to be done here again, and until a schedule is due."""
        now = time.monotonic()
        # It may be asked for again while we look; and if the look fails, it is still to be done.
        polls = left = self._poll_asked or now >= self._poll_at
        self._poll_asked, seen = False, self._seen_key
        try:
            async with self.database.transaction() as connection:
                promoted = await store.promote(connection)
                polled = await self._polled(connection) if polls else NOTHING
            left = False
        finally:
            if left:
                self._poll_asked, self._seen_key = True, seen
        if polls:
            self._poll_at = now + polled.wait_s
        self._report(polled.rescued, polled.adopted)
        if promoted.tasks or polled.has_work:
            self.on_work()
        wait_s = min(_or_never(promoted.next_due_s), max(self._poll_at - time.monotonic(), 0))
        return wait_s, _or_never(promoted.next_tick_s)

    async def _polled(self, connection: Connection) -> Polled:
        moved, more = await self._keep_order(connection)
        rescued, suspect_s = await store.rescue(connection, self.runner_id)
        adopted = await self._adopt(connection)
        ended = [one.id for one in rescued if one.status != "pending"]
        await store.cancel_children(connection, ended)
        await chain.after(connection, _settled(rescued))
        await chain.expire_approvals(connection)
        has_work = await store.is_ready(connection) or moved > 0
        self.on_look(await gathering.look(connection))
        # Those that ended may have been the last that their parents wait for.
        more = more or bool(ended) or len(rescued) >= store.MOST_RESCUED
        wait_s = 0.0 if more else min(jittered(self.config.poll_s), _or_never(suspect_s))
        return Polled(wait_s, rescued, adopted, has_work)

    async def _tick(self) -> float:
        """Fires schedules that are due; seconds until the next look."""
        async with self.database.transaction() as connection:
            ticked = await ticking.tick(connection)
        for one in ticked.failed:
            self.events.emit(ScheduleStopped(one.id, one.error or ""))
        if ticked.started:
            self.on_work()
        return 0 if ticked.looked_at else HELD_S

    async def _keep_order(self, connection: Connection) -> tuple[int, bool]:
        """How many tasks moved, and whether the keys after these are to be asked for at once."""
        moved, keys = await claiming.rearrange_keys(connection, self._seen_key)
        self._seen_key = keys[-1] if keys else ""
        more = moved > 0
        moved += await store.wake_waiting(connection)
        await store.fold_tallies(connection)
        await budgets.lose_calls(connection)
        if self.config.ageing_s:
            moved += await claiming.age(connection, self.config.ageing_s, keys)
        return moved, more

    async def _adopt(self, connection: Connection) -> list[Adopted]:
        backends = self.adopts()
        if not backends:
            return []
        await handoffs.sweep(connection)
        return await handoffs.adopt(connection, self.runner_id, backends)

    def _report(self, found: Sequence[store.Rescued], adopted: Sequence[Adopted]) -> None:
        for one in adopted:
            self.adopt(one)
        if not found:
            return
        self.events.emit(
            TasksRescued(
                task_ids=tuple(one.id for one in found),
                runner_ids=tuple(sorted({one.runner_id for one in found})),
                failed=sum(one.status == "failed" for one in found),
            )
        )


class Pruning:
    """Deletes ended tasks and old history, in chunks, walking the table from where it stopped; what
    pages ask of history is summed up beside.
    """

    def __init__(self, database: Database, patience: Patience, config: RunnerConfig) -> None:
        self.database = database
        self.patience = patience
        self.config = config
        self._after: UUID = store.FIRST_ID
        self._sums_up = True
        self._pause = Wakeup()

    async def run(self) -> None:
        """Prunes a few chunks every ten minutes until cancelled."""
        while True:
            await self._pause.wait(jittered(PRUNE_EVERY_S))
            self._sums_up = True
            for _ in range(PRUNE_CHUNKS):
                await self.patience.through(self.chunk)

    async def chunk(self) -> int:
        """One chunk of each table; how many rows went."""
        async with self.database.connection() as connection:
            try:
                last, tasks = await store.prune_tasks(
                    connection, after=self._after, keep_s=self.config.keep_s
                )
                self._after = last or store.FIRST_ID
            except BAD_CONTENT:  # somebody's own table refers to these tasks: they stay
                tasks = 0
            await members.forget_dead(connection)
            await handoffs.prune(connection)
            await ticking.prune(connection, keep_s=self.config.keep_s)
            await gathering.prune(connection)
            await store.prune_answers(connection)
            events = await store.prune_run_events(connection, keep_s=self.config.events_s)
            history = await store.prune_executions(connection, keep_s=self.config.history_s)
            calls = await tool_calls.prune_tool_calls(connection, keep_s=self.config.history_s)
            await self._sum_up(connection)
            calls += await budgets.prune_calls(connection, keep_s=self.config.history_s)
            people = await prune_people(connection, keep_s=self.config.people_s)
            signals = await prune_signals(connection, keep_s=self.config.history_s)
            audit = await store.prune_audit(connection, keep_s=self.config.audit_s)
            return tasks + events + history + calls + people + signals + audit

    async def _sum_up(self, connection: Connection) -> None:
        """A day that takes longer than a statement may is left until the next turn: sums only save
        time, and must not keep old rows from going.
        """
        if self._sums_up:
            try:
                await budgets.keep_days(connection, keep_s=self.config.history_s)
            except TOOK_TOO_LONG:
                self._sums_up = False


def _settled(found: list[store.Rescued]) -> list[chain.Settled]:
    return [
        chain.Settled(one.run_id, one.agent_id, one.status, None)
        for one in found
        if one.run_id and one.agent_id
    ]


def _or_never(seconds: float | None) -> float:
    return NEVER if seconds is None else max(seconds, 0)
