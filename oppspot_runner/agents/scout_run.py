"""One run of the scout: who is looked at, and what comes of each look.

What goes wrong with one source does not stop the others:

* A source that is asked too often is asked nothing more in this attempt. When all others are done,
  the run is held up until that source may be asked for what is left; but not for a day, so that
  the others are asked again: what is left comes first in the next run.
* A source that does not let us in is asked nothing more either; `web.refusals` has its error.
* Any other failure is one of this look: it says nothing about the company.
* What a look passed over, because there was something else, is an error that is counted once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from oppspot_runner.agents.company_run import PAGE, CompanyRun, Turn
from oppspot_runner.agents.context import Context
from oppspot_runner.agents.scout_options import ScoutOptions
from oppspot_runner.agents.scout_tally import ScoutTally
from oppspot_runner.agents.watchers import Watcher
from oppspot_runner.agents.web import WebAccess
from oppspot_runner.base.errors import (
    AccessDeniedError,
    AgentSignal,
    CallError,
    InvalidInputError,
    LeaseLostError,
    NotFoundError,
    RateLimitExceededError,
    SourceDownError,
    SourceNotConfiguredError,
)
from oppspot_runner.base.web import Asked, Fetched
from oppspot_runner.signals.looks import DueLook, Failure
from oppspot_runner.signals.sighting import Look, Memory

EARLY = 0.8  # of the time between looks: a daily run is not always a whole day after the last one
LONGEST = timedelta(hours=20)  # that a run is held up: a daily one ends before the next one begins
MOST_NAME = 63  # characters
NOT_KEPT = "LOOK_NOT_KEPT"
REFUSALS = (RateLimitExceededError, AccessDeniedError, SourceNotConfiguredError)

Looks = dict[str, Look | Failure | None]


@dataclass
class RefusingWeb(WebAccess):
    """The outside world for a run that asks a source nothing more once it has refused.

    `refusals` has the errors of such sources. Of web sites each is a source of its own.
    """

    refusals: dict[str, CallError] = field(default_factory=dict, init=False)

    async def fetch(self, asked: Asked) -> Fetched:
        """As WebAccess."""
        source = asked.source
        if source is None:
            return await super().fetch(asked)
        if source in self.refusals:
            return Fetched({}, error=self.refusals[source])
        fetched = await super().fetch(asked)
        if isinstance(fetched.error, REFUSALS):
            return replace(fetched, error=self.refusals.setdefault(source, fetched.error))
        return fetched

    def is_refusal(self, error: Exception) -> bool:
        """Whether an error is that of a source which is asked nothing more."""
        return any(error is refusal for refusal in self.refusals.values())

    @property
    def limit(self) -> RateLimitExceededError | None:
        """The limit that ends first, of the sources that were asked too often."""
        limits = [one for one in self.refusals.values() if isinstance(one, RateLimitExceededError)]
        return min(limits, key=lambda one: one.retry_after_s or 0.0, default=None)


def watch_name(watcher: Watcher, wanted: Collection[str]) -> str:
    """What looks of a watcher are remembered as: those for some of its signals apart.

    Else who wants the others would never hear of what a look saw for somebody who does not.
    """
    seen = [one for one in watcher.types if one in wanted]
    whole = len(seen) == len(watcher.types)
    return watcher.name if whole else "_".join([watcher.name, *seen])[:MOST_NAME]


class ScoutRun(CompanyRun[DueLook, tuple[UUID, Looks], ScoutTally]):
    """Lets `watchers` look at companies; `next_cursor` is where the next run begins."""

    name = "looked"
    doing = "companies looked at"

    def __init__(self, ctx: Context, watchers: Sequence[Watcher], options: ScoutOptions) -> None:
        super().__init__(ctx, ScoutTally())
        self.options = options
        self.watchers = {watch_name(one, options.signals): one for one in watchers}
        self.web = RefusingWeb(ctx.http.calls, ctx.http.sources)
        self.outside = replace(ctx, http=self.web)
        self.next_cursor: str | None = None
        self._memories: dict[UUID, Mapping[str, Memory]] = {}
        self.last_failure = ""  # of a look, in words
        self._passed_over = set[CallError]()
        self._in_vain = 0  # companies in a row of which nobody could be asked

    async def begin(self) -> None:
        """Adds up what earlier attempts did, and looks up who is due.

        The companies are chosen once: what a retry finds is what is left of them.
        """
        await self.recall()
        chosen: list[str] = await self.ctx.step("companies", self._choose)
        self._begun = datetime.fromisoformat(await self.ctx.step("begun", self._now))
        most = self.options.max_companies
        self.next_cursor = next(iter(chosen[most:]), None)
        self.companies = [UUID(one) for one in chosen[:most]]
        self.waiting.extend(await self._due(self.companies))

    async def finish(self) -> None:
        """Goes through all who are due, or as far as it may.

        Raises what stopped it, such as RateLimitExceededError; what is done by then is written.
        """
        try:
            await self.go(len(self.companies))
        except RateLimitExceededError as limit:
            self._hold_up(limit)
        else:
            if self.held and self.web.limit is not None:
                self._hold_up(self.web.limit)

    def _hold_up(self, limit: RateLimitExceededError) -> None:
        """Raises the limit, unless it lasts too long: then what is left is left to the next run."""
        ends = self.ctx.task.started_at + timedelta(seconds=limit.retry_after_s or 0)
        if ends - self._begun <= LONGEST:
            raise limit
        left = [str(one.company_id) for one in self.waiting]
        self.totals.counts["items"] += len(set(left).intersection(self.totals.begun))
        self.next_cursor = next(iter(left), self.next_cursor)

    @property
    def errors(self) -> Counter[str]:
        """How often looks failed, by code; each source that let us not in is one."""
        return self.totals.errors + Counter(one.code for one in self.web.refusals.values())

    @property
    def refused(self) -> dict[str, str]:
        """Why sources were asked nothing more, by their names."""
        return {name: error.one_line() for name, error in self.web.refusals.items()}

    async def _now(self) -> str:
        return self.ctx.task.started_at.isoformat()

    async def _choose(self) -> list[str]:
        return [str(one.company_id) for one in await self._due(self.options.companies, further=1)]

    async def _due(self, ids: Sequence[UUID] | None, further: int = 0) -> Sequence[DueLook]:
        task, stream = self.ctx.task, self.ctx.stream
        return await self.ctx.signals.due(
            {name: watcher.every * EARLY for name, watcher in self.watchers.items()},
            since=min(task.created_at, task.started_at),
            stream_id=stream.id if stream else None,
            company_ids=ids,
            force=self.ctx.force_execute,
            limit=self.options.max_companies + further,
        )

    async def prepare(self, due: Sequence[DueLook]) -> None:
        """Loads what is remembered of earlier looks."""
        self._memories.update(await self.ctx.signals.memories([one.company_id for one in due]))

    async def ask(self, turn: Turn[DueLook]) -> None:
        """Lets all look who are due: those of one source in turn, others side by side."""
        company_id = turn.due.company_id
        memories = self._memories.pop(company_id, {})
        looks: Looks = {}
        by_source: dict[str, list[str]] = {}
        for name in turn.due.watchers:
            source = self.watchers[name].web_source or name
            by_source.setdefault(source, []).append(name)
        turns = [self._in_turn(names, turn, memories, looks) for names in by_source.values()]
        ends = await asyncio.gather(*turns, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        self._note(turn.due, looks, held=any(ends))

    async def _in_turn(
        self,
        names: Sequence[str],
        turn: Turn[DueLook],
        memories: Mapping[str, Memory],
        looks: Looks,
    ) -> bool:
        """Adds looks to `looks`; whether somebody is to look later."""
        held = False
        for name in names:
            watcher = self.watchers[name]
            try:
                look = await watcher.look(turn.company, memories.get(name, Memory()), self.outside)
                looks[name] = look and self._taken(look)
            except (AgentSignal, LeaseLostError):
                raise
            except Exception as error:  # noqa: BLE001 - one source must not stop the others
                held = self._failed(name, error, looks) or held
        return held

    def _failed(self, name: str, error: Exception, looks: Looks) -> bool:
        """Notes a failure of a look, unless it could not be; whether it is to be made later."""
        if self.web.is_refusal(error):
            return isinstance(error, RateLimitExceededError)
        code = error.code if isinstance(error, CallError) else type(error).__name__
        if isinstance(error, SourceDownError) and error.retry_after_s is not None:
            self.tally.errors[code] += 1  # it rests, which its own failures have told
            return False
        self.last_failure = f"{name}: {error.one_line() if isinstance(error, CallError) else code}"
        self.ctx.log.warning("look failed", watcher=name, error=str(error))
        looks[name] = Failure(code)
        return False

    def _taken(self, look: Look) -> Look:
        """The look with what is wanted of it; notes what it passed over."""
        new = set(look.errors) - self._passed_over
        self.tally.errors.update(one.code for one in new)
        self._passed_over |= new
        signals = self.options.signals
        kept = tuple(one for one in look.sightings if one.signal_type in signals)
        return replace(look, sightings=kept)

    def _note(self, due: DueLook, looks: Looks, *, held: bool) -> None:
        company_id = str(due.company_id)
        begun = company_id in self.totals.begun
        if looks:
            self.asked.append((due.company_id, looks))
        self._in_vain = 0 if looks else self._in_vain + 1
        if not held:
            self.tally.counts["items"] += bool(looks) or begun
            return
        self.held.append(due)
        if looks:
            self.tally.begun.append(company_id)
        if self._in_vain >= PAGE and self.web.limit is not None:
            self.stop(self.web.limit)

    async def save(self, asked: Sequence[tuple[UUID, Looks]], tally: ScoutTally) -> None:
        """Writes the looks at each company in a transaction of its own."""
        for company_id, looks in asked:
            try:
                await self._save(company_id, looks, tally)
            except InvalidInputError:
                for name, look in looks.items():
                    await self._save_alone(company_id, name, look, tally)

    async def _save(self, company_id: UUID, looks: Looks, tally: ScoutTally) -> None:
        """Raises InvalidInputError where a look cannot be kept, and keeps none of them."""
        try:
            saved = await self.ctx.signals.save(
                company_id,
                looks,
                threshold=self.options.threshold,
                now=self.ctx.task.started_at,
            )
        except NotFoundError:
            return  # the company was deleted meanwhile
        tally.saved(saved)
        for name, look in looks.items():
            tally.looked(self.watchers[name].name, look)

    async def _save_alone(
        self, company_id: UUID, name: str, look: Look | Failure | None, tally: ScoutTally
    ) -> None:
        """Keeps a look, else that it failed: one bad look must not cost the others."""
        try:
            await self._save(company_id, {name: look}, tally)
        except InvalidInputError as error:
            self.ctx.log.warning("look cannot be kept", watcher=name, error=str(error))
            await self._save(company_id, {name: Failure(NOT_KEPT)}, tally)
