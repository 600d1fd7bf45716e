"""A runner that takes one step after the other, and moves the clock where nothing is left to do.

It is made of the parts of the daemon. What runs by itself there is done here when its turn comes:
nothing goes on between two steps, so that a test sees the same every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from oppspot_runner.agents.waiting import LAST_TIME
from oppspot_runner.app.wiring import build_runner, runner_config
from oppspot_runner.base.events import EventBus, TaskFinished
from oppspot_runner.base.settings import load_settings
from oppspot_runner.db.cancelling import end_all, to_the_end
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import members
from oppspot_runner.queue.claiming import Claimer
from oppspot_runner.runner.loop import Runner
from oppspot_runner.runner.term import Term
from oppspot_runner.testing.attempts import Notebook
from oppspot_runner.testing.bodies import InThisProcess, OnlyHere, WatchedSettler

NEXT_DUE = statement("testing/next_due")

LEASE_S = 100 * 365 * 86_400.0  # no jump of the clock makes this runner look dead
POLL = timedelta(seconds=5)  # what is due and does not move is looked at again so much later
SECOND = timedelta(seconds=1)
SHORTEST = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Due:
    """When something happens next, and whether it takes a poll to see it."""

    at: datetime
    polls: bool


class Stepper:
    """See `stepper`."""

    def __init__(self, database: Database, runner: Runner, term: Term, notebook: Notebook) -> None:
        self.database = database
        self.runner = runner
        self.term = term
        self.notebook = notebook
        self.clock = notebook.clock
        self._again_s: float | None = None

    async def drain(self, until: datetime) -> None:
        """Runs what is due, then what is due next, up to `until`."""
        found = True
        while found:
            found = await self._work(polls=True)
            ran = False
            while (due := await self._next_due(ran=ran)) is not None and due.at <= until:
                if due.at > self.clock.now:
                    self.clock.set(due.at)
                ran = await self._work(polls=due.polls)
                found |= ran
        if until > self.clock.now:
            self.clock.set(until)

    async def run_until(self, is_done: Callable[[], bool]) -> None:
        """Runs what is due now until `is_done()`, or until nothing is left."""
        while not is_done() and await self._work(polls=True, is_done=is_done):
            pass

    async def _work(self, *, polls: bool, is_done: Callable[[], bool] = lambda: False) -> bool:
        """Does what runners do by themselves, then runs what is in line; whether anything was."""
        if polls:
            self.term.maintenance.poll()
            await self.term.courier.once()
        await self.term.maintenance.once()
        await self._finished()
        ran = False
        while not is_done() and await self._run_next():
            self.notebook.check()
            ran = True
        return ran

    async def _run_next(self) -> bool:
        fair = self.runner.config.fair_share
        async with self.database.connection() as connection:
            # A new one each time: what it keeps between claims is kept by real time.
            claimed = await Claimer(self.term.member.id, fair=fair).claim(connection, 1)
        self._again_s = claimed.again_s
        if claimed.tasks:
            await self.runner.slots.begin(claimed.tasks, self.runner.tools, self.term)
            await self._finished()
        return bool(claimed.tasks)

    async def _finished(self) -> None:
        """Waits until nothing runs. What takes long takes its time by the clock, too, or it might
        wait for a moment that never comes."""
        while True:
            try:
                async with asyncio.timeout(1):
                    await self.runner.slots.emptied()
                return
            except TimeoutError:
                self.clock.advance(SECOND)

    async def _next_due(self, *, ran: bool) -> Due | None:
        row = await self.database.fetch_one(NEXT_DUE)
        assert row is not None
        now = self.clock.now
        at, poll_at = row["at"] or LAST_TIME, row["poll_at"] or LAST_TIME
        if self._again_s is not None:
            at = min(at, now + max(timedelta(seconds=self._again_s), SHORTEST))
        if row["blocked"] or (min(at, poll_at) <= now and not ran):
            # What is due and does not move, or has no time, is looked at again as by any runner.
            at = at if at > now else LAST_TIME
            poll_at = now if ran else now + POLL
        due = Due(min(at, poll_at), polls=poll_at <= at)
        return due if due.at < LAST_TIME else None


@asynccontextmanager
async def stepper(dsn: str, notebook: Notebook) -> AsyncIterator[Stepper]:
    """A runner on `dsn` in this event loop, by the settings of the environment."""
    settings = load_settings()
    config = replace(runner_config(settings), slots=1, lease_s=LEASE_S, task_types=())
    bus = EventBus()
    bus.subscribe(TaskFinished, notebook.note_end)
    async with Database(dsn, max_size=config.connections) as database:
        runner = build_runner(database, config, events=bus, settings=settings, backends={})
        try:
            async with asyncio.TaskGroup() as services, _joined(runner, services, notebook):
                assert runner.term is not None
                yield Stepper(database, runner, runner.term, notebook)
        except BaseExceptionGroup as errors:  # of the test, or of the only service
            raise errors.exceptions[0] from None
        finally:
            for stop in (runner.places.stop, *runner.at_end):
                await stop()


@asynccontextmanager
async def _joined(
    runner: Runner, services: asyncio.TaskGroup, notebook: Notebook
) -> AsyncIterator[None]:
    """Makes `runner` one that can run tasks, and does nothing by itself but write their ends."""
    database, raised = runner.database, notebook.note_raised
    member = await members.register(database, runner.config.facts())
    runner.term = term = Term(member, runner, services)
    settler = WatchedSettler(database, runner.patience, member.id, raised)
    places = OnlyHere({"inline": InThisProcess(raised)}, runner.places.ended)
    runner.tools = replace(runner.tools_for(term), settler=settler, places=places)
    writing = services.create_task(settler.run())
    try:
        yield
    finally:
        await end_all([writing])
        await to_the_end(term.end())
