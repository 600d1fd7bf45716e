"""An agent's run through the companies that are due, over all its attempts.

Several are on their way at once, in their order. What is done is written, with a note of what came
of it: a retry goes on where the last attempt stopped. Companies for which nobody outside was asked
are written by the page.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.steps import NOT_KNOWN
from oppspot_runner.agents.totals import Totals
from oppspot_runner.base.errors import LeaseLostError, Snooze
from oppspot_runner.companies.company import Company

PAGE = 100  # companies that are written together where that took no request
AHEAD = 10  # companies that are loaded at once where each takes a while
ABREAST = 5  # companies on their way at once
SPARE_S = 30.0  # what is left of the time when no further company is begun


class Due(Protocol):
    """A company that somebody should be asked about."""

    @property
    def company_id(self) -> UUID: ...


D = TypeVar("D", bound=Due)
T = TypeVar("T", bound=Totals)
R = TypeVar("R")


@dataclass(frozen=True)
class Turn(Generic[D]):
    """A company that is loaded, with all of its facts, and can be asked about."""

    due: D
    company: Company


class CompanyRun(ABC, Generic[D, R, T]):
    """Goes through companies; `totals` is what came of it so far, `waiting` who is still to come.

    A subclass says how one is asked about, which notes it in `tally` and adds what is to be
    written (an R) to `asked`, and how that is written. `outside` is what those who are asked are
    given. `name` is that of the steps which keep the counts, `doing` what is said of those done.
    """

    name: str
    doing: str

    def __init__(self, ctx: Context, totals: T) -> None:
        self.ctx = self.outside = ctx
        self.totals = totals
        self.tally = type(totals)()  # what is not written yet, as is `asked`
        self.asked: list[R] = []
        self.waiting: deque[D] = deque()
        self.held: list[D] = []  # begun, and somebody is still to be asked
        self._loaded: deque[Turn[D]] = deque()
        self._stopped: Exception | None = None
        self._loading, self._writing = asyncio.Lock(), asyncio.Lock()
        self._requests = 0  # in this attempt, as far as they are noted
        self._wrote = False
        self._size = AHEAD

    @abstractmethod
    async def ask(self, turn: Turn[D]) -> None:
        """Asks about one company."""

    @abstractmethod
    async def save(self, asked: Sequence[R], tally: T) -> None:
        """Writes what was asked, and adds to `tally` what came of writing it."""

    async def prepare(self, due: Sequence[D]) -> None:
        """Loads what else is needed of companies that come next."""

    async def recall(self) -> None:
        """Adds up what earlier attempts did."""
        while True:
            self._free, kept = await self.ctx.recall(self.name)
            if kept is NOT_KNOWN:
                return
            self.totals.add(type(self.totals).of(kept))

    async def go(self, of: int) -> None:
        """Goes through all who are waiting, for a progress out of `of`, or as far as it may.

        Raises what stopped it, such as RateLimitExceededError; what is done by then is written.
        """
        await asyncio.gather(*(self._work(of) for _ in range(ABREAST)))
        if not isinstance(self._stopped, LeaseLostError):
            await self._write()
        left = [*self.held, *(turn.due for turn in self._loaded)]
        self.waiting.extendleft(reversed(left))
        if self._stopped is not None:
            raise self._stopped

    def stop(self, reason: Exception) -> None:
        """Lets no further company begin; the first reason is raised in the end."""
        if self._stopped is None:
            self._stopped = reason

    async def _work(self, of: int) -> None:
        try:
            while self._stopped is None and (turn := await self._next()):
                await self.ask(turn)
                if self._made > self._requests or len(self.asked) >= PAGE:
                    await self._write()
                    await self.ctx.progress(self.totals.counts["items"], of, self.doing)
        except Exception as error:  # noqa: BLE001 - the others end what they are at first
            self.stop(error)

    @property
    def _made(self) -> int:
        """Requests that were made in this attempt."""
        return sum(self.outside.http.requests.values())

    async def _next(self) -> Turn[D] | None:
        """The next company; None when there is none, or no time for it."""
        if self._wrote and self.ctx.time_left < SPARE_S and (self._loaded or self.waiting):
            self.stop(Snooze(after=1, reason="the time is over, the rest comes next"))
            return None
        async with self._loading:
            while not self._loaded and self.waiting:
                await self._load()
            return self._loaded.popleft() if self._loaded else None

    async def _load(self) -> None:
        """Loads the next companies; few where they take long, so that they are fresh."""
        due = [self.waiting.popleft() for _ in range(min(self._size, len(self.waiting)))]
        ids = [one.company_id for one in due]
        companies = {company.id: company for company in await self.ctx.companies.load(ids)}
        recorded = await self.ctx.companies.facts(ids)
        await self.prepare(due)
        for one in due:
            if company := companies.get(one.company_id):  # else it was deleted since
                facts = tuple(recorded.get(company.id, ()))
                self._loaded.append(Turn(one, replace(company, recorded=facts)))
        self._size = AHEAD if self._made else PAGE

    async def _write(self) -> None:
        """Writes what was asked, and keeps the counts for later attempts."""
        async with self._writing:
            asked, tally, made = self.asked, self.tally, self._made
            if tally == type(tally)() and made == self._requests:
                return
            self.asked, self.tally = [], type(tally)()
            if asked:
                await self.save(asked, tally)
            tally.counts["api_calls"] = made - self._requests
            self._requests = made
            await self.ctx.journal.remember(self._free, tally.as_json())
            self._free, _ = await self.ctx.recall(self.name)
            self.totals.add(tally)
            self._wrote = True
