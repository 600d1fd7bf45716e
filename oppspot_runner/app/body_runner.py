"""Runs bodies that runners handed on, in a process that is not theirs, one after the other.

A body runs in the main thread and is briefed from the rows of its tasks, so that its context is the
same as anywhere. A thread with an event loop has the connections, writes the journal, and beats.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from oppspot_runner.agents.registry import Registry
from oppspot_runner.agents.variants import varied
from oppspot_runner.app.database import running_dsn
from oppspot_runner.app.tools import RunnerTools
from oppspot_runner.app.web import RunnerWeb
from oppspot_runner.app.wiring import log_of, observe, ports_on
from oppspot_runner.backends import crossing
from oppspot_runner.backends.backend import Briefing, Result
from oppspot_runner.backends.driver import PROTOCOL
from oppspot_runner.backends.judging import told
from oppspot_runner.backends.main_thread import run_in_main_thread
from oppspot_runner.backends.nursery import kill_with_descendants
from oppspot_runner.base import tracing
from oppspot_runner.base.errors import ConfigurationError, Fail, LeaseLostError
from oppspot_runner.base.events import EventBus
from oppspot_runner.base.outcome import Retry
from oppspot_runner.base.settings import Settings
from oppspot_runner.base.task import Task
from oppspot_runner.base.version import package_version
from oppspot_runner.companies.industry_table import use_industries
from oppspot_runner.db.migrate import require_schema
from oppspot_runner.db.pool import Database
from oppspot_runner.llm.models import Models
from oppspot_runner.queue import handoffs
from oppspot_runner.queue.event_writer import EventWriter
from oppspot_runner.queue.journal import TaskJournal
from oppspot_runner.runner.briefing import (
    Ports,
    Surroundings,
    brief,
    chosen_definition,
    surroundings,
)
from oppspot_runner.runner.patience import Patience
from oppspot_runner.tools import threads

R = TypeVar("R")

BEATS = 5  # in the time after which a worker that does not beat counts as lost
CONNECTIONS = 2  # one works, and one beats meanwhile
AGAIN_S = 30.0  # another worker may be able to run it, or this one after its upgrade


@dataclass(frozen=True)
class Body:
    """One that was taken."""

    handle: UUID
    taken: handoffs.Taken
    briefing: Briefing
    journals: tuple[TaskJournal, ...]
    beating: asyncio.Task[None]


@dataclass(frozen=True)
class Equipment:
    """What all bodies of a process share."""

    database: Database
    writer: EventWriter
    ports: Ports


class BodyRunner:
    """Runs bodies with what `settings` say; `name` is who takes them.

    To be made in the main thread. Connections are opened for the first body.
    """

    def __init__(self, settings: Settings, registry: Registry, name: str) -> None:
        self.settings = settings
        self.registry = registry
        self.name = name
        self.worn_out = False  # whether the last body left something that would disturb others
        self._events = EventBus()
        self._patience = Patience(self._events)
        self._look = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._equipment: Equipment | None = None
        use_industries(settings.industries)
        observe(self._events, settings)
        threading.Thread(target=self._loop.run_forever, name="oppspot-body", daemon=True).start()

    def run(self, handle: UUID) -> None:
        """Runs the body of that handle, unless somebody has it or nobody waits for it any more."""
        body = self._in_loop(self._take(handle))
        if body is None:
            return
        result: Result | None = None
        with suppress(LeaseLostError):
            result = run_in_main_thread(body.briefing, self._loop)
        work_time = body.briefing.ctx.work_time
        self.worn_out = work_time.interrupted or threads.left_behind() > 0
        self._in_loop(self._end(body, result))

    def look(self, *_: object) -> None:
        """Looks at once whether somebody waits for the body that runs. A signal handler."""
        self._loop.call_soon_threadsafe(self._look.set)

    def _in_loop(self, work: Coroutine[Any, Any, R]) -> R:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _take(self, handle: UUID) -> Body | None:
        equipment = self._equipment = self._equipment or await self._equipped()
        taken = await self._patience.through(
            lambda: handoffs.take(equipment.database, handle, self.name)
        )
        if taken is None:
            return None
        beating = self._loop.create_task(self._beat(equipment.database, handle))
        try:
            self._check_version(taken.ticket)
            return Body(handle, taken, *await self._briefed(equipment, taken), beating)
        except LeaseLostError:
            beating.cancel()
        except Exception as error:  # noqa: BLE001 - whatever an agent of another version does
            reason = error.one_line() if isinstance(error, Fail) else told(error)
            refused = Retry(f"the worker {self.name} cannot run it: {reason}", after_s=AGAIN_S)
            beating.cancel()
            await self._tell(equipment.database, handle, crossing.to_json(Result(refused)))
        return None

    async def _equipped(self) -> Equipment:
        dsn = running_dsn(self.settings)
        if dsn is None:
            raise ConfigurationError(
                "the worker has no database", hint="Set DATABASE_URL to that of the runners."
            )
        database = Database(
            dsn,
            schema=self.settings.schema_name,
            max_size=CONNECTIONS,
            application="oppspot-worker",
        )
        await database.open()
        await require_schema(database)
        through, tell = self._patience.through, self._events.emit
        tools = RunnerTools(database, through, self.settings, tell)
        web = RunnerWeb(database, through, self.settings)
        ports = ports_on(database, Models(self.settings), tools, web, tell)
        return Equipment(database, EventWriter(database), ports)

    def _check_version(self, ticket: dict[str, Any]) -> None:
        theirs, ours = (ticket["version"], ticket["protocol"]), (package_version(), PROTOCOL)
        if theirs != ours:
            raise Fail(
                f"it has oppspot-runner {ours[0]} (protocol {ours[1]}), and the runner {theirs[0]}"
                f" (protocol {theirs[1]}). Install the same version for both"
            )

    async def _briefed(
        self, equipment: Equipment, taken: handoffs.Taken
    ) -> tuple[Briefing, tuple[TaskJournal, ...]]:
        tracing.CURRENT.set(taken.ticket.get("traceparent"))
        pairs = [await self._brief(equipment, task, taken.runner_id) for task in taken.tasks]
        (first, *others), journals = zip(*pairs, strict=True)
        return replace(first, companions=tuple(others)), journals

    async def _brief(
        self, equipment: Equipment, task: Task, runner_id: int | None
    ) -> tuple[Briefing, TaskJournal]:
        database, through = equipment.database, self._patience.through
        task, variant = varied(task)
        journal = TaskJournal(database, task, through=through, writer=equipment.writer)
        journal.variant, journal.traceparent = variant, tracing.CURRENT.get()
        chosen = chosen_definition(self.registry, task)
        around = Surroundings()
        if task.is_for_stream:
            around = await through(lambda: surroundings(database, task))
        log = partial(log_of, task, runner_id or 0, journal)
        return brief(equipment.ports, task, chosen, around, journal, log), journal

    async def _beat(self, database: Database, handle: UUID) -> None:
        """Says that the body runs. Ends this process, with all that the body started, when nobody
        waits for it, and when nobody could be told for so long that it counts as lost."""
        lost_s = self.settings.worker_lost
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(lost_s / BEATS):
                    await self._look.wait()
            self._look.clear()
            wanted = False
            with suppress(TimeoutError):
                async with asyncio.timeout(lost_s):
                    wanted = await self._patience.through(lambda: handoffs.beat(database, handle))
            if not wanted:
                kill_with_descendants(os.getpid())

    async def _end(self, body: Body, result: Result | None) -> None:
        """Writes how it ended; None: the body met LeaseLostError, and nobody waits for it."""
        assert self._equipment is not None
        try:
            for journal in body.journals:
                await journal.flush()
        except LeaseLostError:
            result = None
        finally:
            body.beating.cancel()
            for journal in body.journals:
                journal.close()
        if result is not None:
            counted = [journal.metrics() for journal in body.journals]
            written = crossing.to_json(*crossing.as_whole_batch(body.taken, result, counted))
            await self._tell(self._equipment.database, body.handle, written)

    async def _tell(self, database: Database, handle: UUID, written: dict[str, Any]) -> None:
        await self._patience.through(lambda: handoffs.end(database, handle, written))
