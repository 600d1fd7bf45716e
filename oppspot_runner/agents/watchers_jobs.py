"""Watchers of jobs: the company's own board, and threads in which many say that they hire."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from oppspot_runner.agents.board_search import Place, domain_of, guess_board, stated_place
from oppspot_runner.agents.context import Context
from oppspot_runner.companies.company import Company
from oppspot_runner.connectors.hacker_news import SEARCH
from oppspot_runner.connectors.hiring_threads import HiringThreads
from oppspot_runner.connectors.job_boards import Board
from oppspot_runner.posts.hiring import Offer, Offers
from oppspot_runner.signals.job_texts import leads, normalise_title, technologies_in
from oppspot_runner.signals.jobs import JOB_POSTING, job_sightings, leaders_in
from oppspot_runner.signals.sighting import LOOKBACK, MOST_MISSES, Look, Memory, Sighting
from oppspot_runner.tools.threads import in_thread

HACKER_NEWS = "hacker_news"
OF_OWN_SITE, OF_GUESS = 90, 75
BY_DOMAIN, BY_NAME = 85, 70
REUSED_FOR = timedelta(hours=1)  # threads that were read, by further attempts
GUESSED_FOR = timedelta(days=30)  # until a board is guessed again


class JobBoard:
    """The jobs on the board of a company at Greenhouse, Lever or Ashby.

    Remembers its `board`, the `leaders` (see leaders_in), and of guessing `guessed_at` and what was
    `refused` because it is somebody else's.
    """

    name: ClassVar[str] = "job_board"
    types: ClassVar[tuple[str, ...]] = (JOB_POSTING,)
    web_source: ClassVar[str | None] = None
    every: ClassVar[timedelta] = timedelta(days=1)

    def __init__(self, lookback: timedelta = LOOKBACK) -> None:
        self.lookback = lookback

    async def look(self, company: Company, memory: Memory, ctx: Context) -> Look | None:
        """See Watcher."""
        stated = stated_place(company)
        place = stated or _guessed_place(memory)
        if place is None:
            return await self._guess(company, memory, ctx)
        board = await place.read(ctx.http)
        if board is None:
            return Look(found=False)
        confidence = OF_OWN_SITE if stated else OF_GUESS
        return await self._seen(company, memory, place, board, confidence, ctx)

    async def _guess(self, company: Company, memory: Memory, ctx: Context) -> Look | None:
        """What the board says that is the company's own; None while it is too early to ask."""
        now = ctx.task.started_at
        last = memory.state.get("guessed_at")
        ago = now - datetime.fromisoformat(last) if last else GUESSED_FOR
        if timedelta(0) <= ago < GUESSED_FOR and not ctx.force_execute:
            return None
        guessed = await guess_board(company, ctx)
        refused = [str(place) for place in guessed.refused]
        state = {**memory.state, "guessed_at": now.isoformat(), "refused": refused}
        if guessed.found is None:
            return Look(state={**state, "board": None})
        place, board = guessed.found
        return await self._seen(company, memory, place, board, OF_GUESS, ctx, state)

    async def _seen(
        self,
        company: Company,
        memory: Memory,
        place: Place,
        board: Board,
        confidence: int,
        ctx: Context,
        state: Mapping[str, Any] | None = None,
    ) -> Look:
        """What there is on a board; one that is not that of last time is looked at anew."""
        if board.drifted:
            ctx.log.warning("schema_drift", source=place.service, items=board.drifted)
        is_known = memory.state.get("board") == str(place)
        sightings = await in_thread(
            partial(
                job_sightings,
                board.jobs,
                memory if is_known else replace(memory, looked_at=None),
                company.employees,
                ctx.task.started_at,
                lookback=self.lookback,
                confidence=confidence,
            )
        )
        kept = {
            **(state or memory.state),
            "board": str(place),
            "leaders": leaders_in(board.jobs, memory),
        }
        return Look(sightings, kept, tuple(job.posting for job in board.jobs))


def _guessed_place(memory: Memory) -> Place | None:
    """The board that was guessed, unless it is gone for good."""
    known = memory.state.get("board")
    return Place.of(known) if known and memory.misses < MOST_MISSES else None


class HiringThread:
    """What companies offer in the threads of Hacker News in which many say that they hire.

    The threads are read once, whatever the number of companies.
    """

    name: ClassVar[str] = "hiring_thread"
    types: ClassVar[tuple[str, ...]] = (JOB_POSTING,)
    web_source: ClassVar[str | None] = None
    every: ClassVar[timedelta] = timedelta(days=1)

    def __init__(self, lookback: timedelta = LOOKBACK) -> None:
        self.lookback = lookback
        self._offers: Offers | None = None
        self._turn = asyncio.Lock()

    async def look(self, company: Company, memory: Memory, ctx: Context) -> Look | None:
        """See Watcher."""
        async with self._turn:
            if self._offers is None:
                self._offers = await self._read(ctx)
        domain = domain_of(company)
        found = self._offers.of(company.name, domain)
        return Look(tuple(_offered(one, by_domain=domain in one.domains) for one in found))

    async def _read(self, ctx: Context) -> Offers:
        """The offers of all threads that were opened within `lookback`."""
        fresh_for = timedelta(0) if ctx.force_execute else REUSED_FOR
        source = HiringThreads(ctx.http, fresh_for)
        threads = [
            await source.offers(thread_id)
            for thread_id in await source.since(ctx.task.started_at - self.lookback)
        ]
        if drifted := sum(one.drifted for one in threads):
            ctx.log.warning("schema_drift", source=SEARCH, items=drifted)
        return Offers(offer for one in threads for offer in one.offers)


def _offered(offer: Offer, *, by_domain: bool) -> Sighting:
    role = offer.role or "several roles"
    area = leads(role)
    told = {
        "location": offer.place,
        "leads": area,
        "technologies": list(technologies_in(offer.text)),
    }
    return Sighting(
        JOB_POSTING,
        source=HACKER_NEWS,
        key=offer.comment_id,
        title=f"Hiring at Hacker News: {role}",
        occurred_at=offer.posted_at,
        strength="strong" if area else "moderate",
        confidence=BY_DOMAIN if by_domain else BY_NAME,
        event=normalise_title(role),
        source_url=offer.link,
        data={name: value for name, value in told.items() if value},
    )
