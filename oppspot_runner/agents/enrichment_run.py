"""One run of the enrichment agent through the companies that are due, over all its attempts.

Each company is written as soon as it is done, in a short transaction, with a note who was asked: a
retry goes on where the last attempt stopped. Companies for which nobody outside was asked are
written by the page. Several are on their way at once, in the order of their places.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.providers import Provider
from oppspot_runner.agents.steps import NOT_KNOWN
from oppspot_runner.agents.tally import Tally
from oppspot_runner.agents.waterfall import CallsSpentError, CappedWeb, Waterfall
from oppspot_runner.base.errors import LeaseLostError, Snooze
from oppspot_runner.companies.enriching import Dossier
from oppspot_runner.companies.items import DueCompany

PAGE = 100  # companies in one transaction that took no request
AHEAD = 10  # companies that are loaded at once where each takes a while
ABREAST = 5  # companies on their way at once
SPARE_S = 30.0  # what is left of the time when no further company is begun


class EnrichConfig(BaseModel):
    """`execution_config` of a run: which providers, which companies, and how many at most."""

    model_config = ConfigDict(extra="allow")

    providers: list[str] | None = None
    company_ids: list[UUID] | None = None
    max_items: int | None = Field(None, ge=1)
    max_api_calls: int | None = Field(None, ge=0)


@dataclass(frozen=True)
class Turn:
    """A company that is loaded and can be asked about."""

    due: DueCompany
    dossier: Dossier


class EnrichmentRun:
    """Asks `providers` about the companies of the stream; `totals` is what came of it so far."""

    def __init__(self, ctx: Context, providers: Sequence[Provider], config: EnrichConfig) -> None:
        self.ctx = ctx
        self.config = config
        self.providers = providers
        self.totals = Tally()
        self.waiting: deque[DueCompany] = deque()
        self._loaded: deque[Turn] = deque()
        self._held: list[DueCompany] = []  # begun, and somebody is still to be asked
        self._asked: list[Dossier] = []  # and not written yet, as is `_tally`
        self._tally = Tally()
        self._stopped: Exception | None = None
        self._loading, self._writing = asyncio.Lock(), asyncio.Lock()
        self._requests = 0  # in this attempt, as far as they are noted
        self._wrote = False
        self._size = AHEAD

    async def begin(self) -> None:
        """Adds up what earlier attempts did, and looks up who is due."""
        await self._recall()
        self.waterfall = Waterfall(self.providers, self._capped())
        self.left = self.config.max_items
        if self.left is not None:
            self.left = max(0, self.left - self.totals.counts["items"])
        self.waiting.extend(await self._due())

    async def finish(self, items: int) -> None:
        """Goes through all who are due, out of `items` in the stream, or as far as it may.

        Raises what stopped it, such as RateLimitExceededError; what is done by then is written.
        """
        await asyncio.gather(*(self._work(items) for _ in range(ABREAST)))
        if not isinstance(self._stopped, LeaseLostError):
            await self._write()
        left = [*self._held, *(turn.due for turn in self._loaded)]
        self.waiting.extendleft(reversed(left))
        if self._stopped is not None and not isinstance(self._stopped, CallsSpentError):
            raise self._stopped

    async def _recall(self) -> None:
        while True:
            self._free, kept = await self.ctx.recall("enriched")
            if kept is NOT_KNOWN:
                return
            self.totals.add(Tally.of(kept))

    def _capped(self) -> Context:
        """What providers are given: the same, with no more requests than the run may make."""
        most, web = self.config.max_api_calls, self.ctx.http
        if most is not None:
            left = max(0, most - self.totals.counts["api_calls"])
            web = CappedWeb(web.calls, web.sources, most=left)
        return replace(self.ctx, http=web)

    async def _due(self) -> Sequence[DueCompany]:
        task = self.ctx.task
        return await self.ctx.items.due(
            {provider.name: provider.ttl for provider in self.providers},
            since=min(task.created_at, task.started_at),
            outside=[one.name for one in self.providers if one.web_source is not None],
            force=self.ctx.force_execute,
            company_ids=self.config.company_ids,
        )

    async def _work(self, items: int) -> None:
        try:
            while self._stopped is None and (turn := await self._next()):
                await self._ask(turn)
                if self._made > self._requests or len(self._asked) >= PAGE:
                    await self._write()
                    done = self.totals.counts["items"]
                    await self.ctx.progress(done, items, "companies enriched")
        except Exception as error:  # noqa: BLE001 - the others end what they are at first
            self._stop(error)

    def _stop(self, reason: Exception) -> None:
        if self._stopped is None:
            self._stopped = reason

    @property
    def _made(self) -> int:
        """Requests that were made in this attempt."""
        return sum(self.waterfall.ctx.http.requests.values())

    async def _next(self) -> Turn | None:
        """The next company; None when there is none, or no time for it."""
        if self._wrote and self.ctx.time_left < SPARE_S and (self._loaded or self.waiting):
            self._stop(Snooze(after=1, reason="the time is over, the rest comes next"))
            return None
        async with self._loading:
            while not self._loaded and self.waiting and self.left != 0:
                await self._load()
            return self._loaded.popleft() if self._loaded else None

    async def _load(self) -> None:
        """Loads the next companies; few where they take long, so that they are fresh."""
        most = self._size if self.left is None else min(self._size, self.left)
        due = [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]
        ids = [one.company_id for one in due]
        companies = {company.id: company for company in await self.ctx.companies.load(ids)}
        recorded = await self.ctx.companies.facts(ids)
        for one in due:
            if company := companies.get(one.company_id):  # else it was deleted since
                facts = recorded.get(one.company_id, ())
                self._loaded.append(Turn(one, Dossier(company, facts)))
        if self.left is not None:
            self.left -= len(due)
        self._size = AHEAD if self._made else PAGE

    async def _ask(self, turn: Turn) -> None:
        dossier, due = turn.dossier, turn.due
        before = self.totals.begun.get(str(due.company_id))
        tally = Tally()
        if before is None:  # else those who are not due were asked in this very run
            self.waterfall.note_fresh(due.providers, tally)
        held = await self.waterfall.ask(dossier, due.providers, tally)
        tally.looked_at(dossier, whole=held is None, before=before)
        self._tally.add(tally)
        if dossier.enriched.outcomes:
            self._asked.append(dossier)
        if held is not None:
            self._stop(held)
            self._held.append(due)

    async def _write(self) -> None:
        """Writes the companies that were asked about, and keeps the counts for later attempts."""
        async with self._writing:
            asked, tally, made = self._asked, self._tally, self._made
            if tally == Tally() and made == self._requests:
                return
            self._asked, self._tally = [], Tally()
            if asked:
                await self.ctx.items.save_enrichment([one.enriched for one in asked])
            tally.counts["api_calls"] = made - self._requests
            self._requests = made
            await self.ctx.journal.remember(self._free, tally.as_json())
            self._free, _ = await self.ctx.recall("enriched")
            self.totals.add(tally)
            self._wrote = True
