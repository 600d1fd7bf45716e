"""The daemon: claims due tasks, runs at most `slots` of them at once, settles each one.

`Runner.run` is the whole life: terms one after the other. A term is a membership in task_runners;
it ends with the runner, or when the lease was lost, and then the next one begins with a new id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from oppspot_runner.backends.places import Places
from oppspot_runner.base.errors import LeaseLostError
from oppspot_runner.base.events import EventBus, LeaseLost, RunnerStarted, RunnerState
from oppspot_runner.base.task import Task
from oppspot_runner.db.cancelling import to_the_end
from oppspot_runner.db.pool import DATABASE_AWAY, Database
from oppspot_runner.limits.task_limits import Limit, publish
from oppspot_runner.queue import members, store
from oppspot_runner.queue.claiming import Claimed, claim_size
from oppspot_runner.queue.handoffs import Adopted
from oppspot_runner.runner.attempt import Attempt
from oppspot_runner.runner.config import RunnerConfig, State
from oppspot_runner.runner.draining import drain
from oppspot_runner.runner.patience import Patience
from oppspot_runner.runner.slots import Slots
from oppspot_runner.runner.term import Term
from oppspot_runner.runner.tools import Tools
from oppspot_runner.runner.wakeup import Wakeup, jittered
from oppspot_runner.runner.watchdog import Watchdog
from oppspot_runner.tools import threads

LADDER_S = (0.0, 0.05, 0.25, 1.0)
DRAIN_LOOK_S = 0.5
OWN_LOOK_POLLS = 3  # maintenance tells of ready rows at every poll; this is for when it is held up


class Leave(Protocol):
    """Leaves the process at once, from any thread, and with `again` starts it anew."""

    def __call__(self, reason: str, *, again: bool) -> None: ...


@dataclass
class Runner:
    """A daemon on one database. `tools_for(term)` wires what attempts work with; what they shared
    is closed `at_end`."""

    database: Database
    config: RunnerConfig
    events: EventBus
    tools_for: Callable[[Term], Tools]
    places: Places
    leave: Leave | None = None
    at_end: Sequence[Callable[[], Awaitable[None]]] = ()
    patience: Patience = field(init=False)
    slots: Slots = field(init=False)
    wakeup: Wakeup = field(default_factory=Wakeup)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    state: State = "running"
    left_behind: set[asyncio.Task[object]] = field(default_factory=set)
    progressed_at: float = field(default_factory=time.monotonic)
    term: Term | None = None
    stop_asked: int = 0
    renewal: str | None = None
    end_wanted: bool = False
    watchdog: Watchdog | None = None
    _idle_claims: int = 0

    def __post_init__(self) -> None:
        self.patience = Patience(self.events)
        self.slots = Slots(self.config.slots, self.attempts, self._attended, self.wakeup.set)

    async def run(self) -> None:
        """Works until stopped, or until it has to be renewed: then `renewal` says why.

        A fault in one of our services is raised; a lost lease is not.
        """
        self.watchdog = self._watchdog()
        self.watchdog.watch.start()
        try:
            await self.places.start()
            while not self.is_stopping():
                try:
                    await self._serve_term()
                except* LeaseLostError:
                    self.events.emit(LeaseLost(self.runner_id, len(self.attempts)))
        finally:
            self.watchdog.watch.stop()
            for stop in (self.places.stop, *self.at_end):
                await stop()
        self.show("stopped", "stopped")

    def stop(self, why: str = "asked to stop") -> None:
        """Once: claim nothing more, let running tasks end. Twice: give them back now."""
        self.stop_asked += 1
        self.renewal = None  # who wants it to end does not want it to start again
        self.wakeup.set()
        self.show("stopping", why if self.stop_asked == 1 else "asked twice: at once")

    def is_stopping(self) -> bool:
        """Whether this runner is to end, and take no tasks any more."""
        return self.stop_asked > 0 or self.renewal is not None

    @property
    def runner_id(self) -> int:
        """Of its term; 0 before the first one."""
        return self.term.member.id if self.term else 0

    @property
    def hanging(self) -> int:
        """Agents that were cut off and still run: in threads, or deaf to their cancellation."""
        bodies = self.left_behind.copy()  # at once: the heartbeat asks from its thread
        return threads.left_behind() + sum(not body.done() for body in bodies)

    def condition(self) -> members.Condition:
        """What the heartbeat, which asks from its thread, says of us."""
        lag_ms = self.watchdog.watch.lag_ms() if self.watchdog is not None else 0
        return members.Condition(self.state, lag_ms, self.hanging)

    def show(self, state: State, reason: str = "") -> None:
        """Takes a state and tells subscribers, if it is another one or has a reason to be told."""
        if state != self.state or reason:
            self.state = state
            if self.term is not None and not self.term.ended:
                self.term.publish_state()
            self.events.emit(RunnerState(self.runner_id, state, reason))

    def _watchdog(self) -> Watchdog:
        return Watchdog(
            self.database,
            self.events,
            limit_s=self._blocked_limit_s,
            attempts=self.attempts.values,
            runner_id=lambda: self.runner_id,
            leave=self._leave,
        )

    def _blocked_limit_s(self) -> float:
        config = self.config
        return min(config.blocked_s, config.grace_s) if self._is_to_end() else config.blocked_s

    def _leave(self, reason: str) -> None:
        """Ends the process where it is the runner's, from the thread of the watchdog."""
        if self.leave is not None:
            self.leave(reason, again=not self._is_to_end())

    def _is_to_end(self) -> bool:
        """Whether somebody wants the end, also one whom a blocked loop has not heard yet."""
        asked = self.term.heartbeat.desired if self.term is not None else "run"
        return self.end_wanted or self.stop_asked > 0 or asked in ("stop", "stop_now")

    async def _serve_term(self) -> None:
        before = (self.runner_id, self.term.heartbeat.desired) if self.term else (0, "run")
        try:
            member = await self.patience.through(
                lambda: members.register(self.database, self.config.facts(), *before),
                give_up=self.is_stopping,
            )
        except DATABASE_AWAY:  # only raised when we are stopping
            return
        async with asyncio.TaskGroup() as services:
            self.term = Term(member, self, services)
            self.tools = self.tools_for(self.term)
            self.term.start(self.tools.settler)
            await self._publish_options()
            self.events.emit(
                RunnerStarted(member.id, self.config.slots, self.config.poll_s, self.term.wake)
            )
            self.term.obey(member.desired)  # before it takes a task
            try:
                await self._work(self.term)
            finally:
                await to_the_end(self.term.end())

    async def _publish_options(self) -> None:
        """Tells all runners what the code of agent types says to them."""
        options = self.tools.registry.options()
        limits = {name: Limit(one.concurrency, one.rate) for name, one in options.items()}
        labels = {name: one.labels for name, one in options.items()}

        async def publish_all() -> None:
            await publish(self.database, limits)
            await members.publish_labels(self.database, labels)

        with suppress(*DATABASE_AWAY):  # only raised when we are stopping
            await self.patience.through(publish_all, give_up=self.is_stopping)

    async def _work(self, term: Term) -> None:
        try:
            with suppress(*DATABASE_AWAY):  # only raised when we are stopping
                while not self.is_stopping():
                    term.check()  # the cancellation can get lost: see end_all
                    self.slots.check()
                    self.progressed_at = time.monotonic()
                    await self.wakeup.wait(await self._fill())
            await drain(self)
        except BaseException:
            self.lose_attempts()
            raise
        finally:
            await self.slots.emptied()

    async def _fill(self) -> float:
        free = self.slots.free
        if self.state != "running" or free == 0:
            await self._wait_openly(False)
            return self.config.poll_s
        asked = claim_size(free)
        claimed = await self.patience.through(lambda: self._claim(asked), give_up=self.is_stopping)
        await self._begin_all(claimed.tasks)
        if len(claimed.tasks) == asked:
            self._idle_claims = 0
            has_room = self.slots.free > 0  # less was asked for, or a batch took several
            await self._wait_openly(has_room)
            return 0.0 if has_room else self.config.poll_s
        wait_s = await self._idle()
        return wait_s if claimed.again_s is None else min(wait_s, claimed.again_s)

    async def _claim(self, limit: int) -> Claimed:
        assert self.term is not None
        async with self.database.connection() as connection:
            return await self.term.claimer.claim(connection, limit)

    async def _idle(self) -> float:
        """How long to wait when there is less work than slots.

        The first time it is said in our row, so that INSERTs notify. One that looked at the row
        just before that and commits just after is caught by the short ladder of claims.
        """
        if self.config.drain_and_exit and not self.attempts and await self._is_drained():
            self.stop("nothing is due or running")
            return 0.0
        if await self._wait_openly(True):
            self._idle_claims = 0
        step, self._idle_claims = self._idle_claims, self._idle_claims + 1
        own_look_s = jittered(OWN_LOOK_POLLS * self.config.poll_s)
        wait_s = LADDER_S[step] if step < len(LADDER_S) else own_look_s
        return min(wait_s, DRAIN_LOOK_S) if self.config.drain_and_exit else wait_s

    async def _is_drained(self) -> bool:
        async with self.database.connection() as connection:
            return await store.is_drained(connection, self.config.abilities)

    async def _wait_openly(self, waiting: bool) -> bool:
        term = self.term
        assert term is not None
        return await self.patience.through(
            lambda: term.set_waiting(waiting), give_up=self.is_stopping
        )

    async def _begin_all(self, tasks: list[Task]) -> None:
        assert self.term is not None
        await self.slots.begin(tasks, self.tools, self.term)

    def _attended(self, attempt: Attempt) -> None:
        if attempt.cut_off.happened:
            self._note_left_behind(attempt)
        if self.term is not None:
            self.term.note_end(attempt)
        self.wakeup.set()

    def _note_left_behind(self, attempt: Attempt) -> None:
        """Renews the runner when too many hang. Inside an application nobody could restart it."""
        body = attempt.cut_off.left_behind
        if body is not None:
            self.left_behind.add(body)
            body.add_done_callback(self.left_behind.discard)
        if self.hanging < self.config.most_hanging or self.is_stopping() or self.leave is None:
            return
        self.renewal = f"{self.hanging} agents that were cut off still run"
        self.show("stopping", f"{self.renewal}: it will start anew")

    def can_deliver(self) -> bool:
        """Whether a notification may be delivered now."""
        return self.state == "running" and self.slots.has_room_beside

    def deliver(self, task: Task) -> None:
        """Begins the delivery of a notification, beside the slots."""
        self.slots.begin_beside(task, self.tools)

    def adopts(self) -> Collection[str]:
        """The backends whose bodies it goes on with, when their runners are gone."""
        return () if self.is_stopping() else self.places.outside()

    def adopt(self, adopted: Adopted) -> None:
        """Goes on with an attempt of a dead runner, unless it was asked to stop meanwhile: then the
        next heartbeats find it, and leave it to others."""
        if self.is_stopping():
            return
        self.slots.adopt(adopted, self.tools)

    def lose_attempts(self) -> None:
        """Ends all attempts without writing anything: their tasks are no longer ours."""
        for attempt in list(self.attempts.values()):
            attempt.lose()
