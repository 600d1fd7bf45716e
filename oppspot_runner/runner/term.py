"""One membership of a runner in task_runners, with the services that live as long as it does."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from contextlib import suppress
from typing import Any, Protocol

from oppspot_runner.backends.places import Places
from oppspot_runner.base.errors import LeaseLostError
from oppspot_runner.base.events import EventBus, WakeChanged
from oppspot_runner.base.outcome import Cancel
from oppspot_runner.base.task import Task
from oppspot_runner.db.cancelling import end_all
from oppspot_runner.db.listen import Listener
from oppspot_runner.db.pool import DATABASE_AWAY, Connection, Database
from oppspot_runner.queue import members, store
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.queue.handoffs import Adopted
from oppspot_runner.queue.members import Beat, BeatConnection, Condition, Membership
from oppspot_runner.runner.attempt import Attempt
from oppspot_runner.runner.config import RunnerConfig, State
from oppspot_runner.runner.courier import Courier
from oppspot_runner.runner.growth import Growth
from oppspot_runner.runner.heartbeat import Heartbeat
from oppspot_runner.runner.maintenance import Maintenance, Pruning
from oppspot_runner.runner.patience import Patience
from oppspot_runner.runner.settler import Settler
from oppspot_runner.runner.wakeup import Wakeup, turn_s

ASKED = "!"  # after our address: somebody changed what is desired of us
ENDED = "/ended"  # after the schema: a body elsewhere has ended
WAITS = "/waits"  # after the schema: what a task waits for came by hand
SILENT_BEATS = 3.5  # of a listener that is deaf: heartbeats tested it before
ASKED_STATE: dict[str, State] = {"pause": "paused", "idle": "stopped", "run": "running"}


class Daemon(Protocol):
    """The runner, as far as its term knows it."""

    config: RunnerConfig
    database: Database
    events: EventBus
    patience: Patience
    wakeup: Wakeup
    attempts: dict[int, Attempt]
    state: State
    stop_asked: int
    places: Places

    def stop(self) -> None: ...

    def lose_attempts(self) -> None: ...

    def can_deliver(self) -> bool: ...

    def deliver(self, task: Task) -> None: ...

    def adopts(self) -> Collection[str]: ...

    def adopt(self, adopted: Adopted) -> None: ...

    def condition(self) -> Condition: ...

    def show(self, state: State, reason: str = "") -> None: ...


class Term:
    """Heartbeat, listener, maintenance, pruning, courier and writer of ends, for one runner id."""

    def __init__(self, member: Membership, runner: Daemon, services: asyncio.TaskGroup) -> None:
        self.member = member
        self.runner = runner
        self.services = services
        self.claimer = Claimer(member.id, runner.config.abilities, fair=runner.config.fair_share)
        self.wake = "poll"
        self.ended = False
        self._waiting = False
        self._crowd = 1
        self._turn: asyncio.TimerHandle | None = None
        self._lost = Wakeup()
        self._lost_reason = ""
        self._strangers: frozenset[int] = frozenset()
        self._tasks: list[asyncio.Task[None]] = []
        config, database = runner.config, runner.database
        self.heartbeat = self._heartbeat()
        self.courier = self._courier()
        self.maintenance = Maintenance(
            database,
            runner.patience,
            runner.events,
            config=config,
            runner_id=member.id,
            on_work=runner.wakeup.set,
            on_look=self.courier.told,
            adopts=runner.adopts,
            adopt=runner.adopt,
        )
        self.growth = Growth(database)
        self.address = f"{database.schema}/{member.id}"
        self.listener = Listener(
            database,
            address=self.address,
            silence_s=config.beat_s * SILENT_BEATS + 1,
            on_message=self._on_message,
            on_heard=self._on_heard,
            on_deaf=self._on_deaf,
        )

    def _heartbeat(self) -> Heartbeat:
        runner, database = self.runner, self.runner.database
        return Heartbeat(
            BeatConnection(database.conninfo, database, self.member.id),
            beat_s=runner.config.beat_s,
            lease_s=runner.config.lease_s,
            condition=runner.condition,
            running=lambda: list(runner.attempts),
            silent_beats=self._silent_beats,
            on_beat=self._on_beat,
            on_lost=self._on_lost,
        )

    def _courier(self) -> Courier:
        runner = self.runner
        return Courier(
            runner.database,
            runner.patience,
            runner.events,
            config=runner.config,
            runner_id=self.member.id,
            has_room=runner.can_deliver,
            deliver=runner.deliver,
        )

    def start(self, settler: Settler) -> None:
        """Starts all services of the term."""
        self.heartbeat.start()
        for service in (
            settler.run(),
            self.listener.run(),
            self.maintenance.run(),
            Pruning(self.runner.database, self.runner.patience, self.runner.config).run(),
            self.growth.run(),
            self.courier.run(),
            self._watch_lease(),
        ):
            self._tasks.append(self.services.create_task(service))

    async def end(self) -> None:
        """Ends the services, then takes the runner's row away. The heartbeat goes last."""
        self.ended, asked = True, None
        await end_all(self._tasks)
        with suppress(*DATABASE_AWAY):  # the lease runs out by itself
            async with self.runner.database.connection() as connection:
                asked = await members.leave(connection, self.member.id)
        await self.heartbeat.stop()
        self.heartbeat.desired = asked or self.heartbeat.desired

    async def set_waiting(self, waiting: bool) -> bool:
        """Says in our row whether an INSERT should wake us; whether that was news."""
        waiting = waiting and self.wake == "notify"
        if waiting == self._waiting:
            return False
        await members.set_waiting(self.runner.database, self.member.id, waiting)
        self._waiting = waiting
        return waiting

    def check(self) -> None:
        """Raises LeaseLostError when the term is over."""
        if self.ended:
            raise LeaseLostError(self._lost_reason)

    def publish_state(self) -> None:
        """Writes the runner's state into its row, soon."""
        self._soon(self._publish_state(self.runner.state))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        if self.ended:
            work.close()
        else:
            self.services.create_task(work)

    async def _publish_state(self, state: State) -> None:
        with suppress(*DATABASE_AWAY):  # the next heartbeat brings it
            await members.set_state(self.runner.database, self.member.id, state)

    def note_end(self, attempt: Attempt) -> None:
        """An attempt ended: its task may come back in a second, or make room for others."""
        if attempt.comes_back or attempt.task.limit_key:
            self.maintenance.look(attempt.task.limit_key)
        if attempt.task.is_notification:
            self.courier.look()
        self.growth.note_end()

    def _silent_beats(self) -> float:
        if self.wake != "notify":
            return 0.0
        return self.listener.silent_for_s / self.runner.config.beat_s

    def _await_turn(self) -> None:
        """Looks for work at once, or when it is our turn in the crowd that was woken."""
        wait_s = turn_s(self._crowd)
        if self._turn is None and wait_s > 0:
            self._turn = asyncio.get_running_loop().call_later(wait_s, self._look)
        elif wait_s == 0:
            self._look()

    def _look(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        self.maintenance.look_soon()
        self.runner.wakeup.set()

    def _on_message(self, payload: str) -> None:
        if payload == self.runner.database.schema:
            self._await_turn()
        elif payload == self.runner.database.schema + WAITS:
            self.maintenance.poll()
        elif payload == self.runner.database.schema + ENDED:
            self.runner.places.ended.set()
        elif payload == self.address + ASKED:
            self._soon(self._read_desired())

    async def _read_desired(self) -> None:
        with suppress(*DATABASE_AWAY):  # the next heartbeat brings it
            asked = await members.asked_of(self.runner.database, self.member.id)
            if asked is not None:
                self._cancel(asked[1])
                self.obey(asked[0])

    def _cancel(self, tokens: frozenset[int]) -> None:
        for token in tokens & self.runner.attempts.keys():
            self.runner.attempts[token].end_with(Cancel("cancelled on request"))

    async def _on_heard(self, connection: Connection) -> None:
        held = await members.hold_lock(connection, self.member.lock_key)
        await members.set_wake(self.runner.database, self.member, "notify", lock_held=held)
        self._change_wake("notify", "notifications arrive")
        self.maintenance.poll()  # whatever was told before, we did not hear it
        self.runner.wakeup.set()

    async def _on_deaf(self, reason: str) -> None:
        self._change_wake("poll", reason)
        self._waiting = False
        await members.set_wake(self.runner.database, self.member, "poll")

    def _change_wake(self, wake: str, reason: str) -> None:
        if wake != self.wake:
            self.wake = wake
            self.runner.events.emit(WakeChanged(self.member.id, wake, reason))

    def _on_beat(self, beat: Beat, sent_at: float) -> None:
        self._crowd = beat.crowd
        self._cancel(beat.cancelled)
        self._find_orphans(beat.held)
        for token, attempt in list(self.runner.attempts.items()):
            if token not in beat.held and attempt.started_at < sent_at and not attempt.ending:
                attempt.lose()
        self.obey(beat.desired)

    def _find_orphans(self, held: frozenset[int]) -> None:
        """Tasks that are ours by two heartbeats and that nobody runs: a claim's answer got lost."""
        strangers = held - self.runner.attempts.keys()
        orphans, self._strangers = strangers & self._strangers, strangers
        if orphans:
            self._soon(self.give_back(sorted(orphans)))

    async def give_back(self, tokens: list[int]) -> None:
        """Puts tasks of ours that nobody began back in line, uncharged."""
        with suppress(*DATABASE_AWAY):  # the next heartbeat finds them again
            async with self.runner.database.connection() as connection:
                await store.give_back(connection, self.member.id, tokens)
            self.runner.wakeup.set()

    def obey(self, wanted: str) -> None:
        """Does what people ask of the runner."""
        runner = self.runner
        if wanted in ("stop", "stop_now"):
            while runner.stop_asked < (2 if wanted == "stop_now" else 1):
                runner.stop()
        elif runner.state != "stopping" and ASKED_STATE[wanted] != runner.state:
            runner.show(ASKED_STATE[wanted], "asked to")
            runner.wakeup.set()

    def _on_lost(self, reason: str) -> None:
        self._lost_reason = reason
        self._lost.set()

    async def _watch_lease(self) -> None:
        # The heartbeat tells, unless it hangs itself.
        while not self._lost_reason and self.heartbeat.trusted_for_s > 0:
            await self._lost.wait(self.heartbeat.trusted_for_s)
        self.ended = True
        self.runner.lose_attempts()
        await self.runner.database.renew()
        self.runner.wakeup.set()  # the loop checks its term, should its cancellation get lost
        raise LeaseLostError(self._lost_reason or "no heartbeat was answered in time")
