"""The seam between an attempt and the place where the body of its agent runs.

An attempt waits for `Backend.run`, and cancels it when the body has to end, whatever the reason:
the time limit, somebody's wish, a stop, a lost lease. A backend that hands bodies on to other
machines keeps behind `run` what that takes: to submit, to collect outcomes, to recall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.registry import Definition
from oppspot_runner.base.outcome import Outcome


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
    """

    outcome: Outcome
    value: Any = None
    saver: Agent | None = None
    each: tuple[Outcome, ...] = ()

    async def save(self, ctx: Context, tx: Any) -> bool:
        """Writes what the agent found by `tx`. It may have run elsewhere, with another context."""
        assert self.saver is not None
        self.saver.ctx = ctx
        return await self.saver.save_results(ctx, tx, self.value)


class Backend(Protocol):
    """A place where bodies run, many at once."""

    async def run(self, briefing: Briefing) -> Result:
        """Runs one body to its end; cancelled, it ends the body.

        What the agent raises is in the result, but for LeaseLostError, which is raised.
        """
        ...

    async def stop(self) -> None:
        """Ends what still runs. May be called twice, or before any run."""
        ...
