"""The seam between the runner and a place where bodies of agents run.

A backend takes bodies by a handle and tells how each of them ended. It knows nothing of tasks,
attempts and retries: those are the runner's. `LocalBackend` is for places below this process;
bodies elsewhere are handed over by a `Driver`, which keeps a row for each of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from pydantic import BaseModel

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.registry import Definition
from oppspot_runner.base.outcome import Outcome
from oppspot_runner.queue.settlement import Metrics

if TYPE_CHECKING:  # a child process has no use for a driver of Postgres
    from oppspot_runner.base.settings import Settings
    from oppspot_runner.db.pool import Database


@dataclass(frozen=True)
class Briefing:
    """All that the body of an agent is run with. `companions` are the other tasks of a batch."""

    definition: Definition
    options: AgentOptions
    ctx: Context
    input: BaseModel | None
    companions: tuple[Briefing, ...] = ()

    @property
    def members(self) -> tuple[Briefing, ...]:
        """Itself and its companions: one for each task."""
        return (self, *self.companions)


@dataclass(frozen=True)
class Result:
    """How a body ended, and who saves its results in the finishing transaction (None: nobody).

    `each` has the outcomes of the members of a batch; without it `outcome` is that of them all.
    Of a body that ran elsewhere, `state` is what its agent had in its attributes, if it saves its
    results, and `metrics` what the journals of its members counted.
    `raised` is the exception of a body that ran in this process.
    """

    outcome: Outcome
    value: Any = None
    saver: Agent | None = None
    each: tuple[Outcome, ...] = ()
    raised: BaseException | None = None
    state: dict[str, Any] | None = None
    metrics: tuple[Metrics, ...] = ()

    def part(self, place: int) -> Result:
        """How the member of a batch ended that is at that place among them."""
        outcome = self.each[place] if self.each else self.outcome
        return Result(outcome, metrics=self.metrics[place : place + 1])

    def with_saver(self, briefing: Briefing) -> Result:
        """The same, with its agent made again from the state that it had where it ran."""
        if self.state is None:
            return self
        saver = briefing.definition.body(briefing.ctx, briefing.input)
        vars(saver).update(self.state)
        return replace(self, saver=saver)

    async def save(self, ctx: Context, tx: Any) -> bool:
        """Writes what the agent found by `tx`. It may have run elsewhere, with another context."""
        assert self.saver is not None
        self.saver.ctx = ctx
        return await self.saver.save_results(ctx, tx, self.value)


@dataclass(frozen=True)
class Ended:
    """The end of the body with that handle; no `result`: it met LeaseLostError."""

    handle: UUID
    result: Result | None


class Backend(Protocol):
    """A place where bodies run, many at once."""

    async def start(self) -> None:
        """Gets ready. Called once, before anything else."""
        ...

    def capacity(self) -> int | None:
        """How many more bodies it takes now; None: it has no limit of its own."""
        ...

    async def submit(self, handle: UUID, briefing: Briefing) -> None:
        """Has a body run. What it raises is an error of the attempt.

        Raises ConflictError after `stop`.
        """
        ...

    def outcomes(self) -> AsyncIterator[Ended]:
        """How bodies end, as they do, without an end of its own; each handle at most once."""
        ...

    async def cancel(self, handle: UUID) -> None:
        """Ends a body, which may be unknown or over; its outcome does not come any more."""
        ...

    async def adopt(self, handles: Collection[UUID]) -> frozenset[UUID]:
        """Which bodies, submitted by another runner, are not lost: their outcomes will come."""
        ...

    async def stop(self) -> None:
        """Lets go of all; called last. Bodies below this process end, others go on."""
        ...


class Place(Protocol):
    """A backend as an attempt sees it."""

    async def run(self, briefing: Briefing) -> Result:
        """Runs one body to its end; cancelled, it ends the body.

        What the agent raises is in the result, but for LeaseLostError, which is raised.
        """
        ...


@dataclass(frozen=True)
class BackendSurroundings:
    """What a backend is made with. `ended` is set when the row of a body changed that ended."""

    database: Database
    settings: Settings
    version: str
    ended: asyncio.Event
