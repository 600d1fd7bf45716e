"""Very many runners on one database: `python -m benchmarks.fleet`, told by JSON on stdin.

What is real: every runner has its row, its own listening connection with its lock, and what a
daemon does with the database is done by the daemon's own code: heartbeats, polls and rescues,
wake-ups and claims, the writing of ends. What is not: they live in one process, their tasks do
nothing, and their statements share one pool of connections, as behind a pooler. Some can be made
to poll alone, as those that cannot listen do. Says "ready" once all take tasks; after a line on
stdin, says as JSON what came of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from typing import Any

from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.events import EventBus
from oppspot_runner.base.outcome import Done
from oppspot_runner.base.task import Task
from oppspot_runner.db.listen import LISTEN, Listener
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import members
from oppspot_runner.queue.claiming import claim_size
from oppspot_runner.queue.members import BEAT, Beat, Condition
from oppspot_runner.queue.settlement import settlement
from oppspot_runner.runner.attempt import Attempt
from oppspot_runner.runner.config import RunnerConfig, State
from oppspot_runner.runner.heartbeat import Heartbeat
from oppspot_runner.runner.loop import LADDER_S, OWN_LOOK_POLLS
from oppspot_runner.runner.patience import Patience
from oppspot_runner.runner.settler import Settler
from oppspot_runner.runner.term import Term
from oppspot_runner.runner.wakeup import Wakeup, jittered

STATEMENTS_AT_ONCE = 16  # connections of the pool that all share
STARTING_AT_ONCE = 10


class PooledHeartbeat(Heartbeat):
    """Beats in the loop and through the shared pool, instead of a thread of its own."""

    async def _beats(self, database: Database, runner_id: int) -> None:
        while True:
            sent_at = time.monotonic()
            silent_beats = self.silent_beats()
            params = {
                "runner_id": runner_id,
                "silent_beats": silent_beats,
                **asdict(self.condition()),
            }
            row = await database.fetch_one(BEAT, params)
            if row is None:
                raise RuntimeError("a simulated runner was taken for dead")
            self._trusted_until = sent_at + self.lease_s - self.margin_s
            held, cancelled = frozenset(row["held"]), frozenset(row["cancelled"])
            self.on_beat(Beat(row["desired"], held, cancelled, row["crowd"]), sent_at)
            await asyncio.sleep(jittered(self.beat_s))

    def begin(self, services: asyncio.TaskGroup, database: Database, runner_id: int) -> None:
        """In the place of start()."""
        services.create_task(self._beats(database, runner_id))

    def start(self) -> None:
        """Nothing: see begin."""


class LightListener(Listener):
    """Listens without the waits of the driver, which would be most of what a thousand cost."""

    heard = 0  # by all
    is_deaf = False

    async def run(self) -> None:
        """Listens until cancelled; nothing is to go wrong."""
        if self.is_deaf:
            await asyncio.Event().wait()
        connection = await self.database.connect()
        await connection.execute(LISTEN[self.channel])
        await self.on_heard(connection)
        pgconn = connection.pgconn

        def hear() -> None:
            pgconn.consume_input()
            while told := pgconn.notifies():
                LightListener.heard += 1
                self._heard_at = time.monotonic()
                self.on_message(told.extra.decode())

        asyncio.get_running_loop().add_reader(pgconn.socket, hear)
        await asyncio.Event().wait()


class Services(asyncio.TaskGroup):
    """Ends the process with the first that fails: a fleet that lacks one would measure nothing."""

    def create_task(self, *arguments: Any, **options: Any) -> asyncio.Task[Any]:
        """As in the base class."""
        task: asyncio.Task[Any] = super().create_task(*arguments, **options)
        task.add_done_callback(self._look_at)
        return task

    def _look_at(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()):
            traceback.print_exception(error)
            os._exit(1)


class SimulatedTerm(Term):
    """A term in a crowd of them in one process."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.hears = asyncio.Event()
        self.heartbeat.__class__ = PooledHeartbeat
        self.listener.__class__ = LightListener

    def _change_wake(self, wake: str, reason: str) -> None:
        super()._change_wake(wake, reason)
        self.hears.set()


@dataclass
class Simulated:
    """A daemon without agents: what it claims has ended well at once."""

    database: Database
    config: RunnerConfig
    events: EventBus
    patience: Patience
    listens: bool
    wakeup: Wakeup = field(default_factory=Wakeup)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    state: State = "running"
    stop_asked: int = 0

    async def run(self, services: asyncio.TaskGroup) -> None:
        """Joins, and returns when it hears notifications."""
        member = await members.register(self.database, self.config.facts())
        self.term = SimulatedTerm(member, self, services)
        self.settler = Settler(self.database, self.patience, member.id)
        heartbeat = self.term.heartbeat
        assert isinstance(heartbeat, PooledHeartbeat)
        heartbeat.begin(services, self.database, member.id)
        assert isinstance(self.term.listener, LightListener)
        self.term.listener.is_deaf = not self.listens
        self.term.start(self.settler)
        services.create_task(self._work())
        if self.listens:
            await self.term.hears.wait()

    async def _work(self) -> None:
        idle = 0
        while True:
            async with self.database.connection() as connection:
                claimed = await self.term.claimer.claim(connection, claim_size(self.config.slots))
            for task in claimed.tasks:
                self._end(task)
            if len(claimed.tasks) == self.config.slots:
                idle = 0
                continue
            idle = 0 if await self.term.set_waiting(True) else idle + 1
            last = jittered(OWN_LOOK_POLLS * self.config.poll_s)
            await self.wakeup.wait(LADDER_S[idle] if idle < len(LADDER_S) else last)

    def adopts(self) -> frozenset[str]:
        """No backend: there are no bodies to adopt."""
        return frozenset()

    def adopt(self, adopted: object) -> None:
        """Is never asked."""

    def _end(self, task: Task) -> None:
        done = settlement(task, Done({}), backoff=Backoff(), max_retries=0)
        self.settler.settle(done, lambda _: None)

    def stop(self) -> None:
        self.stop_asked += 1

    def lose_attempts(self) -> None:
        raise RuntimeError("a simulated runner lost its lease")

    def can_deliver(self) -> bool:
        return False

    def deliver(self, task: Task) -> None:
        raise RuntimeError("nobody delivers here")

    def condition(self) -> Condition:
        return Condition(self.state)

    def show(self, state: State, reason: str = "") -> None:
        self.state = state


async def simulate(dsn: str, runners: int, listening: int, settings: dict[str, float]) -> None:
    """Until stdin ends."""
    events, config = EventBus(), RunnerConfig(**settings)  # type: ignore[arg-type]
    async with (
        Database(dsn, max_size=STATEMENTS_AT_ONCE, patience_s=60) as database,
        Services() as services,
    ):
        gate = asyncio.Semaphore(STARTING_AT_ONCE)

        async def join(number: int) -> None:
            listens = number < listening
            one = Simulated(database, config, events, Patience(events), listens)
            async with gate:
                await one.run(services)

        await asyncio.gather(*map(join, range(runners)))
        print("ready", flush=True)
        began, heard, cpu_s = time.monotonic(), LightListener.heard, time.process_time()
        await asyncio.to_thread(sys.stdin.readline)
        seconds = time.monotonic() - began
        said = {
            "heard": (LightListener.heard - heard) / seconds,
            "cpu": (time.process_time() - cpu_s) / seconds,
        }
        print(json.dumps(said), flush=True)
        os._exit(0)  # the database goes with it: nobody has to say good-bye


def main() -> None:
    """Reads what to simulate, and does."""
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    asyncio.run(simulate(**told))


if __name__ == "__main__":
    main()
